"""One request to moto: find its service, take the lock, answer, tell what happened."""

import json
import traceback
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final

from emulator.aws.chunked import IncompleteBody
from emulator.aws.client_mistakes import mistake_in
from emulator.aws.errors import Answer, refuse
from emulator.aws.facts import Fact, Requester
from emulator.aws.log_drain import LogDrain
from emulator.aws.metric_data import write_metrics
from emulator.aws.own_requests import OwnRequests, s3_host_id, s3_request_id
from emulator.aws.patches import PatchContext
from emulator.aws.regions import Regions
from emulator.aws.routing import Environ, Scope, action_of, backend_of, scope_of
from emulator.aws.services import Services, WsgiApp
from emulator.aws.wire import prepare
from emulator.observe import Metrics

_NOT_SUPPORTED: Final = "501 Not Implemented"  # clients do not repeat it, as they would a 500
_BAD_REQUEST: Final = "400 Bad Request"
_NOT_BUILT: Final = " action has not been implemented"  # so moto says it of a whole action
_FAILED: Final = "500 Internal Server Error"


class Front:
    """Answers requests for every service of moto. Any thread may call."""

    def __init__(
        self,
        context: PatchContext,
        services: Services,
        own: OwnRequests,
        *,
        log_drain: LogDrain,
        metrics: Metrics,
        reset: Callable[[], None],
    ) -> None:
        self._buffer = context.buffer
        self._credentials = context.credentials
        self._locks = context.locks
        self._services = services
        self._own = own
        self._log_drain = log_drain
        self._metrics = metrics
        self._reporter = context.reporter
        self._reset = reset
        self._regions = Regions()
        self._reported: set[str] = set()

    def answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer as PEP 3333 has it; facts have been delivered when this returns."""
        scope = scope_of(environ)
        backend = backend_of(scope.service, environ)
        account = self._credentials.account_of(scope.access_key)
        requester = self._requester(environ, scope, backend, account)
        facts: list[Fact] = []
        try:
            backend = backend or self._infer(environ, scope, account)
            refusal = self._refusal(environ, backend, scope, requester.request_id)
            if refusal is None:
                prepare(environ, backend, scope, account)
                with self._buffer.request(requester) as facts:
                    answer = self._run(environ, backend, requester.request_id)
            else:
                answer = refusal
        except ConnectionError:
            raise  # the client went away; nobody wants an answer
        except IncompleteBody as error:
            arguments = "IncompleteBody", f"The request body is incomplete: {error}", _BAD_REQUEST
            answer = refuse(environ, backend or "", requester.request_id, *arguments)
        except OSError as error:  # a full disk; clients try again after this status
            message = f"The emulator's machine refuses: {error}"
            self._reporter.event("aws.failed", service=backend, error=error)
            arguments = "InternalError", message, _FAILED
            answer = refuse(environ, backend or "", requester.request_id, *arguments)
        except Exception as error:  # noqa: BLE001  # moto raises anything; the client gets a reason
            answer = self._failure(environ, backend or "", requester.request_id, error)
        if answer.status >= "4":
            facts = [fact for fact in facts if fact.survives_failure]
        if facts:
            self._own.deliver(facts)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _requester(
        self, environ: Environ, scope: Scope, backend: str | None, account: str
    ) -> Requester:
        is_s3 = backend in ("s3", "s3control")
        return Requester(
            account=account,
            principal=self._credentials.principal_of(scope.access_key) if is_s3 else "",
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
            request_id=s3_request_id() if is_s3 else str(uuid.uuid4()),
            host_id=s3_host_id() if is_s3 else "",
            trace_header=environ.get("HTTP_X_AMZN_TRACE_ID"),
        )

    def _infer(self, environ: Environ, scope: Scope, account: str) -> str:
        prepare(environ, "", scope, account)
        backend = self._services.infer(environ)
        if backend is None:
            raise LookupError(f'no service "{scope.service}" here')
        return backend

    def _refusal(
        self, environ: Environ, backend: str, scope: Scope, request_id: str
    ) -> Answer | None:
        if backend == "moto_api":
            return self._administer(environ, request_id)
        problem = self._regions.problem(scope.region)
        if problem is None:
            return None
        return refuse(environ, backend, request_id, "InvalidRegion", problem, _BAD_REQUEST)

    def _administer(self, environ: Environ, request_id: str) -> Answer | None:
        """moto's own API; its reset and its switches would go behind our back."""
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] != "POST":
            return None
        if path == "/moto-api/config":
            message = "moto's configuration is the emulator's: it cannot be changed here"
            return refuse(environ, "", request_id, "AccessDenied", message, "403 Forbidden")
        if path == "/moto-api/reset":
            self._reset()
            body = json.dumps({"status": "ok"}).encode()
            return Answer("200 OK", [("Content-Type", "application/json")], body)
        return None

    def _run(self, environ: Environ, backend: str, request_id: str) -> Answer:
        app = self._services.app(backend)
        # It waits for functions that call us back, so it must not hold the lock.
        if backend == "stepfunctions" and action_of(environ) == "StartSyncExecution":
            answer = _call(app, environ)
        else:
            if backend == "logs":
                self._log_drain.drain()
            with self._locks.hold(backend):
                if backend == "cloudwatch":
                    write_metrics(self._metrics.drain())
                answer = _call(app, environ)
        if answer.status >= "4" and answer.body[:15].lower() == b"<!doctype html>":
            # The page of a web framework: moto has no route for it.
            message = f"{backend} does not support {action_of(environ)} here"
            return refuse(environ, backend, request_id, "NotImplemented", message, _NOT_SUPPORTED)
        return answer

    def _failure(self, environ: Environ, backend: str, request_id: str, error: Exception) -> Answer:
        """Say what is wrong with the request, or else that it is not supported."""
        action, reason = action_of(environ), str(error)
        if isinstance(error, NotImplementedError) and reason.endswith(_NOT_BUILT):
            message = f"{backend} does not support {action} here"
            return refuse(environ, backend, request_id, "NotImplemented", message, _NOT_SUPPORTED)
        is_unknown = type(error) is LookupError  # the service: nothing has failed
        if not isinstance(error, NotImplementedError) and not is_unknown:
            if (mistake := mistake_in(environ, backend)) is not None:
                return refuse(environ, backend, request_id, *mistake, _BAD_REQUEST)
            reason = "the emulator's log has the cause."
        if not is_unknown:
            self._report(backend, action, error)
        message = f"{backend or 'This service'} does not support {action} here: {reason}"
        return refuse(environ, backend, request_id, "NotImplemented", message, _NOT_SUPPORTED)

    def _report(self, backend: str, action: str, error: Exception) -> None:
        """Write the traceback to the terminal, once for each place."""
        place = "".join(traceback.format_tb(error.__traceback__)[-1:])
        if place not in self._reported:
            self._reported.add(place)
            trace = "".join(traceback.format_exception(error))
            self._reporter.event("aws.failed", service=backend, action=action, traceback=trace)


def _call(app: WsgiApp, environ: Environ) -> Answer:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        started.append((status, headers))

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    if not body:
        # Flask names a type for an empty body too; AWS does not.
        headers = [(name, value) for name, value in headers if not _is_flask_default(name, value)]
    return Answer(status, headers, body)


def _is_flask_default(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value == "text/html; charset=utf-8"
