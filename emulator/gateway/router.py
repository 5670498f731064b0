"""Which request goes to which application."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from emulator.gateway.hosts import HostKind, Hosts
from emulator.model.steps import Steps, finish

FUNCTIONS: Final = "/2015-03-31/functions/"
INVOCATIONS: Final = "/invocations"
ADMIN: Final = ("/_emulator/", "/_localstack/")
# A browser asks for the last one beside each page it shows: no reason to load moto.
ADMIN_PAGES: Final = ("/_emulator", "/moto-api/reset", "/favicon.ico")
FRONT_ENDS: Final = ("/_aws/execute-api/", "/@connections/")

# The first segments of all paths of the Lambda API.
LAMBDA_VERSIONS: Final = frozenset(
    {
        "2014-11-13",
        "2015-03-31",
        "2016-08-19",
        "2017-03-31",
        "2017-10-31",
        "2018-10-31",
        "2019-09-25",
        "2019-09-30",
        "2020-04-22",
        "2020-06-30",
        "2021-07-20",
        "2021-10-31",
        "2021-11-15",
        "2024-08-31",
        "2025-11-30",
        "2025-12-01",
        "2026-07-09",
    }
)

_STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Answer(Protocol):
    """A whole answer, ready to be sent."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Header names and values."""

    @property
    def body(self) -> bytes:
        """The body."""


class Scope(Protocol):
    """What the credentials of a request say, as `emulator.aws` finds it."""

    @property
    def service(self) -> str | None:
        """Service it was signed for; a guess when it was not signed."""

    @property
    def region(self) -> str:
        """Region it was signed for, or the default."""

    @property
    def access_key(self) -> str | None:
        """Whose credentials; None when it was not signed."""


class LambdaApi(Protocol):
    """The Lambda API, whole and by its short cut."""

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer any operation."""

    def fast_invoke(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        """Answer an Invoke; None, with the body unread, leaves it to `wsgi`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Router:
    """The gateway's WSGI application. Any thread may call.

    Sets `emulator.account` and `emulator.region` in the environ of every request it passes on, but
    for those to the host of a function URL, which says both.
    allows_origin, url_allows_origin: told the environ and the `Origin` of a foreign page; True when
    the CORS rules of the API or function URL it calls let it in, to that and nothing else.
    """

    lambda_api: LambdaApi
    admin: WSGIApplication
    http_events: WSGIApplication
    front_ends: WSGIApplication  # API Gateway and load balancers
    moto: WSGIApplication
    scope_of: Callable[[WSGIEnvironment], Scope]
    account_of: Callable[[WSGIEnvironment], str]
    hosts: Hosts
    allows_origin: Callable[[WSGIEnvironment, str], bool] = lambda _environ, _origin: False
    url_allows_origin: Callable[[WSGIEnvironment, str], bool] = lambda _environ, _origin: False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse what a foreign page sent, then hand the request to whom it concerns."""
        kind = self.hosts.kind(environ["HTTP_HOST"])
        if kind is HostKind.FOREIGN:
            return _refuse(start_response, _foreign_host(environ["HTTP_HOST"]))
        application = self._choose(kind, environ)
        page = _sending_page(environ)
        is_guest = page is not None and not self.hosts.is_ours(page)
        if is_guest and not self._lets_in(application, environ, str(page)):
            return _refuse(start_response, _foreign_page(str(page)))
        return application(environ, start_response)

    def fast_invoke(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        """Answer an Invoke that no page sent, step by step; None leaves the request to `__call__`.

        environ: of a POST.
        """
        kind = self.hosts.kind(environ["HTTP_HOST"])
        if kind is HostKind.FOREIGN or _sending_page(environ) is not None:
            return None
        if self._choose(kind, environ) != self._answer_lambda:
            return None
        return self.lambda_api.fast_invoke(environ)

    def _lets_in(self, application: WSGIApplication, environ: WSGIEnvironment, origin: str) -> bool:
        """Whether a foreign page may call what it calls."""
        if application is self.front_ends:
            return self.allows_origin(environ, origin)
        return application is self.http_events and self.url_allows_origin(environ, origin)

    def _choose(self, kind: HostKind, environ: WSGIEnvironment) -> WSGIApplication:
        if kind is HostKind.FUNCTION_URL:  # whoever signed it for whatever: the function is asked
            return self.http_events
        scope = self.scope_of(environ)
        environ["emulator.account"] = self.account_of(environ)
        environ["emulator.region"] = scope.region
        service = scope.service if scope.access_key is not None else None
        path: str = environ["PATH_INFO"]
        if service is None:
            if kind is HostKind.OTHER_SERVICE:
                return self.moto
        elif service == "execute-api":
            return self.front_ends
        elif service != "lambda":
            return self.moto  # the signature alone decides: an S3 key may look like any path
        elif path.startswith(FUNCTIONS):
            return self._answer_lambda  # the hot path, before what is rarer
        return self._choose_by_path(kind, service, path)

    def _choose_by_path(self, kind: HostKind, service: str | None, path: str) -> WSGIApplication:
        if kind is HostKind.FRONT_END or _is_front_end(path):
            return self.front_ends
        if path.startswith("/fn/"):
            return self.http_events
        if path.startswith(ADMIN) or path in ADMIN_PAGES:
            return self.admin
        if service == "lambda" or kind is HostKind.LAMBDA or path[1:11] in LAMBDA_VERSIONS:
            return self._answer_lambda
        return self.moto

    def _answer_lambda(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith(INVOCATIONS) and environ["REQUEST_METHOD"] == "POST":
            steps = self.lambda_api.fast_invoke(environ)
            if steps is not None:
                answer = finish(steps)
                start_response(_STATUS_LINES[answer.status], list(answer.headers))
                return [answer.body]
        return self.lambda_api.wsgi(environ, start_response)


def _is_front_end(path: str) -> bool:
    return path.startswith(FRONT_ENDS) or (
        path.startswith("/restapis/") and "/_user_request_" in path
    )


def _sending_page(environ: WSGIEnvironment) -> str | None:
    """Address of the page of another site that sent this request; None when no page did.

    Images, scripts and links carry no `Origin`, but browsers tell that they cross sites.
    """
    origin: str | None = environ.get("HTTP_ORIGIN")
    if origin is None and environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        return str(environ.get("HTTP_REFERER", "null"))
    return origin


def _foreign_host(host: str) -> str:
    name = host.partition(":")[0]
    return (
        f"Host {host!r} is not one of this emulator's names. If it should be, start the emulator"
        f" with --allow-host {name}"
    )


def _foreign_page(page: str) -> str:
    return (
        f"A page of {page!r} must not call this emulator: it could run code on this machine."
        " If it may, start the emulator with --allow-host and the page's host name."
    )


def _refuse(start_response: StartResponse, message: str) -> Iterable[bytes]:
    body = json.dumps({"message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(_STATUS_LINES[403], headers)
    return [body]
