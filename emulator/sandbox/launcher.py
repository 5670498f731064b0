"""How each runtime is started: which interpreter, forked or executed, with which layout."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox import interpreters
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.process import LaunchSpec, Layout
from emulator.sandbox.standby import NodeStandby
from emulator.sandbox.variables import Credentials, is_custom, variables
from emulator.sandbox.zygote import Zygote, ZygoteProcess

SDK_PACKAGES: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
ISOLATED: Final = Layout(
    task_root="/var/task", tmp="/tmp", runtime_dir="/var/runtime", layers="/opt"
)
Warn = Callable[[str, str], None]  # (runtime asked for, what the function gets instead)


class Launcher:
    """Starts runtime processes on this machine, in namespaces where `isolate` and the kernel allow.

    Any thread may call. `_lock` guards the tables of zygotes and of locks; a zygote starts under
    a lock of its own, so that nobody waits who does not need it.
    """

    def __init__(
        self,
        *,
        run_folder: Path,
        endpoint_url: Callable[[], str],
        credentials: Callable[[FunctionVersion], Credentials],
        warn: Warn,
        isolate: bool = True,
    ) -> None:
        self._run_folder = run_folder
        self._endpoint_url = endpoint_url
        self._credentials = credentials
        self._warn = warn
        self._isolate = isolate
        self._sdk_folder = run_folder / "sdk"
        self._sdk_folder.mkdir()
        self._lock = threading.Lock()
        self._zygotes: dict[tuple[Path, bool], Zygote] = {}
        self._starting: dict[tuple[Path, bool], threading.Lock] = {}
        self._warned: set[str] = set()
        self._nodes: NodeStandby | None = None
        _link_sdk(self._sdk_folder)

    def launch(
        self,
        version: FunctionVersion,
        *,
        environment_id: str,
        tmp_folder: Path,
        runtime_api: str,
        log_stream: str,
    ) -> ZygoteProcess:
        """Start a runtime process for one environment.

        Raises LambdaError InvalidRuntimeException for a runtime nothing here can run.
        """
        zygote = self._zygote_for(version)
        layout = _layout(zygote, version, tmp_folder, self._sdk_folder)
        spec = LaunchSpec(
            environment_id=environment_id,
            variables=variables(
                version,
                layout,
                runtime_api=runtime_api,
                log_stream=log_stream,
                credentials=self._credentials(version),
                endpoint_url=self._endpoint_url(),
            ),
            code_folder=version.code.folder,
            tmp_folder=tmp_folder,
            argv=self._argv(version, layout),
            search_path=_search_path(zygote.interpreter, layout),
        )
        if spec.argv and self._nodes is not None and NodeStandby.can_run(version):
            return self._nodes.launch(spec)
        return zygote.execute(spec) if spec.argv else zygote.fork(spec)

    def warm(self, version: FunctionVersion) -> None:
        """Start ahead of time what the first launch of `version` would wait for."""
        self._zygote_for(version)
        if (version.runtime or "").startswith("nodejs") and self._nodes is not None:
            self._nodes.fill()

    def close(self) -> None:
        """End all zygotes and whatever they started."""
        with self._lock:
            zygotes = list(self._zygotes.values())
            self._zygotes.clear()
        if self._nodes is not None:
            self._nodes.close()
        for zygote in zygotes:
            zygote.close()

    def _zygote_for(self, version: FunctionVersion) -> Zygote:
        runtime = version.runtime or ""
        if runtime.startswith("python"):
            interpreter = interpreters.find(runtime)
            if interpreter is None:
                raise unsupported(runtime)
            self._warn_once(runtime, interpreter)
            return self._zygote(interpreter, preload_sdk=not ships_own_sdk(version))
        if runtime.startswith("nodejs"):
            node = interpreters.node()
            if node is None:
                raise LambdaError(
                    "InvalidRuntimeException",
                    f"{runtime} needs Node.js, and there is no `node` in PATH. Install it "
                    "(for example with your system's package manager) and start again.",
                )
            self._warn_once(runtime, node)
            zygote = self._zygote(interpreters.own_python(), preload_sdk=False)
            self._start_nodes(node, zygote)
            return zygote
        if is_custom(version):
            return self._zygote(interpreters.own_python(), preload_sdk=False)
        raise unsupported(runtime)

    def _start_nodes(self, node: Interpreter, zygote: Zygote) -> None:
        with self._lock:
            if self._nodes is None:
                self._nodes = NodeStandby(node, zygote)

    def _warn_once(self, runtime: str, interpreter: Interpreter) -> None:
        if interpreter.runtime != runtime and runtime not in self._warned:
            self._warned.add(runtime)
            self._warn(runtime, f"{interpreter.runtime} ({interpreter.path})")

    def _zygote(self, interpreter: Interpreter, *, preload_sdk: bool) -> Zygote:
        key = (interpreter.path, preload_sdk)
        with self._lock:
            starting = self._starting.setdefault(key, threading.Lock())
        with starting:
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.is_alive:
                zygote = Zygote(
                    interpreter,
                    preload_sdk=preload_sdk,
                    isolate=self._isolate,
                    run_folder=self._run_folder,
                    sdk_folder=self._sdk_folder,
                )
                self._zygotes[key] = zygote
                if preload_sdk and not zygote.has_sdk:
                    self._warn(
                        interpreter.runtime, "it without boto3: ship a boto3 that runs on it"
                    )
            return zygote

    def _argv(self, version: FunctionVersion, layout: Layout) -> tuple[str, ...]:
        runtime = version.runtime or ""
        if runtime.startswith("nodejs"):
            node = interpreters.node()
            assert node is not None  # _zygote_for refused otherwise
            return NodeStandby.argv(node)
        if is_custom(version):
            return (_bootstrap(version, layout),)
        return ()


def unsupported(runtime: str) -> LambdaError:
    """Build the error for a runtime that cannot run here yet."""
    return LambdaError(
        "InvalidRuntimeException",
        f"The emulator cannot run {runtime or 'container images'} yet. It runs python3.9 and "
        "newer, nodejs16.x and newer, and executables on provided.al2 and provided.al2023.",
    )


def ships_own_sdk(version: FunctionVersion) -> bool:
    """Tell whether the package brings any of the modules the zygote would preload."""
    folder = version.code.folder
    return any(
        (folder / name).is_dir() or (folder / f"{name}.py").is_file() for name in SDK_PACKAGES
    )


def _link_sdk(folder: Path) -> None:
    # Only the SDK is shown to functions: the emulator's other packages would make code work
    # here that fails in AWS.
    import importlib.util

    for name in SDK_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)


def _layout(zygote: Zygote, version: FunctionVersion, tmp: Path, sdk_folder: Path) -> Layout:
    if zygote.is_isolated:
        return ISOLATED
    return Layout(
        task_root=str(version.code.folder),
        tmp=str(tmp),
        runtime_dir=str(sdk_folder),
        layers="/opt",
    )


def _search_path(interpreter: Interpreter, layout: Layout) -> tuple[str, ...]:
    site_packages = f"{layout.layers}/python/lib/{interpreter.runtime}/site-packages"
    return (layout.task_root, site_packages, f"{layout.layers}/python")


def _bootstrap(version: FunctionVersion, layout: Layout) -> str:
    in_package = version.code.folder / "bootstrap"
    # AWS looks into /var/runtime first, which is empty for custom runtimes.
    if in_package.exists() or not os.path.exists(f"{layout.layers}/bootstrap"):
        return f"{layout.task_root}/bootstrap"
    return f"{layout.layers}/bootstrap"


def remove_folder(folder: Path) -> None:
    """Delete a folder a function has written to, whatever modes it left there."""
    shutil.rmtree(folder, ignore_errors=True)
