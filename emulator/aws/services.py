"""moto's services, each loaded on first use."""

import importlib
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

from emulator.aws.patches import LAMBDA_USERS, PATCHES, PatchContext, apply, patches_of, prove
from emulator.aws.patches.core import set_default_account
from emulator.aws.patches.registry import CORE
from emulator.aws.routing import Environ
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION
from emulator.model.web_framework import load_web_framework

_MAKER: Final = "cloudformation"

WsgiApp = Callable[[Environ, Any], Iterable[bytes]]


class Services:
    """One WSGI application for each service, patched and proved before its first request.

    Any thread may call. `_lock` guards the tables and is held for a moment only; each service has
    a lock of its own for loading, so that a slow one (CloudFormation, a second) delays nobody
    else. moto, boto3 and flask are imported here and below, never at the top of a module: the
    emulator must answer before they are loaded.
    """

    def __init__(self, context: PatchContext) -> None:
        self._context = context
        self._reporter = context.reporter
        self._lock = threading.Lock()
        self._loading: dict[str, threading.RLock] = {}
        self._apps: dict[str, WsgiApp] = {}
        self._ready: set[str] = set()
        self._on_load: dict[str, list[Callable[[], None]]] = {}
        self._dispatcher: Any = None
        self.before_load: Callable[[], None] = lambda: None  # called before each load

    def app(self, backend: str) -> WsgiApp:
        """The application of a service, by moto's name for it. Raises LookupError."""
        app = self._apps.get(backend)
        if app is None:
            self.load(backend)
            app = self._apps[backend]
        return app

    def is_loaded(self, backend: str) -> bool:
        """True once the service can answer."""
        return backend in self._apps

    def loaded(self) -> list[str]:
        """Names of the services that can answer, sorted."""
        return sorted(self._apps)

    def when_loaded(self, backend: str, action: Callable[[], None]) -> None:
        """Run `action` before the first request of a service; now if it is loaded."""
        with self._loading_lock(backend):
            if backend not in self._apps:
                self._on_load.setdefault(backend, []).append(action)
                return
        action()

    def load(self, backend: str) -> None:
        """Import, patch and prove a service. Raises LookupError for one that moto lacks."""
        self.before_load()  # with no lock held: it may ask for a service itself
        with self._loading_lock(backend):
            if backend in self._apps:
                return
            load_web_framework()
            self._patch(CORE)
            self._prepare(backend)
            app = self._create_app(backend)
            while actions := self._on_load.pop(backend, []):  # an action may add another
                for action in actions:
                    action()
            self._apps[backend] = app

    def infer(self, environ: Environ) -> str | None:
        """Ask moto's own tables which service a request is for; None: they do not know."""
        load_web_framework()
        self._patch(CORE)
        host = self._dispatcher.infer_service_region_host(environ, environ.get("PATH_INFO", ""))
        backend = self._dispatcher.get_backend_for_host(host)
        return None if backend is None else str(backend)

    def _loading_lock(self, name: str) -> threading.RLock:
        with self._lock:
            return self._loading.setdefault(name, threading.RLock())

    def _prepare(self, backend: str) -> None:
        try:
            backends = _module("moto.backends").get_backend(backend)
        except (ImportError, AttributeError) as error:
            raise LookupError(f"moto has no service {backend}") from error
        if backend in LAMBDA_USERS:
            self._patch("awslambda")
        self._patch(backend)
        if backend == _MAKER:
            for name in PATCHES:  # a stack makes resources of services that nobody has asked yet
                self._patch(name)
        if hasattr(backends, "iter_backends"):
            # The first backend may take long to build; do it before the short lock.
            regions = backends[DEFAULT_ACCOUNT]
            _ = regions[DEFAULT_REGION if DEFAULT_REGION in regions else "aws"]

    def _patch(self, name: str) -> None:
        with self._loading_lock(f"{name} patches"):
            if name in self._ready:
                return
            if name == CORE:
                set_default_account()
            broken = apply(patches_of(name, self._context)) or self._prove(name)
            for target, reason in broken.items():
                self._reporter.event("moto.patch_broken", patch=target, reason=reason)
            if name == CORE:
                self._dispatcher = _configure()
            self._ready.add(name)

    def _prove(self, name: str) -> dict[str, str]:
        try:
            return prove(name, self._context)
        except Exception:  # noqa: BLE001  # whatever broke is the finding; the service goes on
            return {f"moto.{name}": traceback.format_exc(limit=-1)}

    def _create_app(self, backend: str) -> WsgiApp:
        werkzeug_app = _module("moto.moto_server.werkzeug_app")
        with self._lock:
            # A bucket's own CORS rules decide; elsewhere AWS allows every origin.
            werkzeug_app.DISABLE_GLOBAL_CORS = backend == "s3"
            app = werkzeug_app.create_backend_app(backend)
        if backend == "s3":
            app.request_class = _s3_request_class(app.request_class)
            app.url_map.merge_slashes = False  # keys may hold `//`
        wsgi_app: WsgiApp = app.wsgi_app
        return wsgi_app


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _configure() -> Any:
    """Settings of moto, and the dispatcher whose tables we ask for rare services."""
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    default_user_config["stepfunctions"]["execute_state_machine"] = True
    return DomainDispatcherApplication(create_backend_app)


def _s3_request_class(base: type[Any]) -> type[Any]:
    class S3Request(base):  # type: ignore[misc]  # moto's class, known only when loaded
        """A PUT is an object whatever its content type; only a POST may be a form."""

        @property
        def want_form_data_parsed(self) -> bool:
            return self.method == "POST" and bool(super().want_form_data_parsed)

    return S3Request
