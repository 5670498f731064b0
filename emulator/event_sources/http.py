"""HTTP requests as events: `/fn/NAME[/path]` invokes NAME as its function URL would.

Source: spec/events.md sections 7.2, 7.3; recorded events of function URLs without authorization.
"""

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.invoke.identity import trace_header
from emulator.model import (
    Call,
    Clock,
    FunctionVersion,
    InvocationResult,
    LambdaError,
    limits,
    parse_function_name,
)
from emulator.model.nearest import nearest

PREFIX: Final = "/fn/"

# What a path may hold unquoted (RFC 3986, pchar and the slash).
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
# Between a client and its next hop; Lambda's front end consumes them.
_HOP_BY_HOP: Final = frozenset(
    {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Headers of a function's answer that only the front end may set come out under another name.
_REMAPPED: Final = _HOP_BY_HOP | {"content-length", "date", "server"}
_TEXT_TYPES: Final = ("text/", "application/x-www-form-urlencoded")
_TEXT_ENDINGS: Final = ("json", "xml", "javascript")
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """One request as it came over the wire; header names in lower case, repeats joined by `,`."""

    method: str
    path: str  # still quoted, from the function's point of view
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """What goes back to the client."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Door(Protocol):
    """The way to run a function."""

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        """Run it and wait: the result and the request id. Raises LambdaError."""


# What a client sees when the function failed, or answered what is no HTTP response.
BAD_GATEWAY: Final = HttpAnswer(
    status=502, headers=(("Content-Type", "application/json"),), body=b"Internal Server Error"
)
UNKNOWN_URL: Final = HttpAnswer(
    status=403,
    headers=(
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "AccessDeniedException"),
    ),
    body=b'{"Message":null}',
)


def build_event(
    request: HttpRequest, *, url_id: str, region: str, request_id: str, now_s: float
) -> dict[str, Any]:
    """Make the event of payload version 2.0 that a function URL without authorization sends.

    now_s: seconds since the epoch. Optional members are absent when there is nothing in them.
    """
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    headers = {name: text for name, text in request.headers.items() if name not in _HOP_BY_HOP}
    if cookie := headers.pop("cookie", ""):
        event["cookies"] = cookie.split("; ")
    event["headers"] = headers
    if parameters := _joined(parse_qsl(request.query, keep_blank_values=True)):
        event["queryStringParameters"] = parameters
    domain = f"{url_id}.lambda-url.{region}.on.aws"
    event["requestContext"] = {
        "accountId": "anonymous",
        "apiId": url_id,
        "domainName": domain,
        "domainPrefix": url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(now_s, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now_s * 1000),
    }
    text = _as_text(request)
    if request.body:
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
    event["isBase64Encoded"] = text is None
    return event


def parse_response(payload: bytes) -> HttpAnswer | None:
    """Read what a function answered by the rules of payload version 2.0; None: it is none.

    An object with `statusCode` is taken apart; anything else is the body of a 200: a string
    without its quotes, other JSON in compact form.
    """
    try:
        response = json.loads(payload)
        if isinstance(response, dict) and "statusCode" in response:
            return _parse_object(response)
    except ValueError:
        return None
    text = response if isinstance(response, str) else _compact(response)
    return _answer(200, _utf8(text))


class HttpEvents:
    """WSGI application for `/fn/NAME[/path]`. Any thread may call.

    functions: `$LATEST` of every function, for the message about an unknown one.
    """

    def __init__(
        self, door: Door, functions: Callable[[], Sequence[FunctionVersion]], clock: Clock
    ) -> None:
        self._door = door
        self._functions = functions
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the function the path names, and answer with its response."""
        answer = self._answer(environ)
        headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
        start_response(f"{answer.status} {_PHRASES.get(answer.status, 'Unknown')}", headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        if ".lambda-url." in environ["HTTP_HOST"]:
            return UNKNOWN_URL  # no function has a URL of its own yet
        name, _, rest = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
        body = environ["wsgi.input"].read(limits.SYNC_REQUEST_BYTES + 1)
        now_s = self._clock.now()
        trace = trace_header(environ.get("HTTP_X_AMZN_TRACE_ID"), now_s)
        event = build_event(
            _request(environ, rest, body, trace),
            url_id=name,
            region=environ["emulator.region"],
            request_id=str(uuid.uuid4()),
            now_s=now_s,
        )
        call = Call(
            account=environ["emulator.account"],
            region=environ["emulator.region"],
            function=name,
            payload=_utf8(_compact(event)),
            trace_header=trace,
            source="url",
        )
        try:
            result, request_id = self._door.run(call)
        except LambdaError as error:
            return self._refused(call, error)
        answer = None if result.function_error else parse_response(result.payload)
        return _stamped(answer or BAD_GATEWAY, request_id, trace)

    def _refused(self, call: Call, error: LambdaError) -> HttpAnswer:
        parsed = parse_function_name(call.function)
        name = parsed.name if parsed else call.function
        here = (call.account, call.region)
        names = [v.name for v in self._functions() if (v.account, v.region) == here]
        if error.fault.status == HTTPStatus.NOT_FOUND and name not in names:
            text = f'function "{name}" is not registered{nearest(name, names)}'
            return _answer(404, _utf8(_compact({"message": text})))
        answer = _answer(error.fault.status, _utf8(_compact({"Message": error.message})))
        return _with_headers(answer, ("x-amzn-ErrorType", error.code))


def _request(environ: WSGIEnvironment, rest: str, body: bytes, trace: str) -> HttpRequest:
    headers = {
        key[5:].replace("_", "-").lower(): text
        for key, text in environ.items()
        if key.startswith("HTTP_")
    }
    for name, key in (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")):
        if environ.get(key):
            headers[name] = environ[key]
    # Differs from Lambda: `host` is what the client called, so links the function makes lead
    # back here; and there are no x-amzn-tls-… headers, as there is no TLS.
    headers["x-forwarded-for"] = environ["REMOTE_ADDR"]
    headers["x-forwarded-port"] = environ["SERVER_PORT"]
    headers["x-forwarded-proto"] = environ["wsgi.url_scheme"]
    headers["x-amzn-trace-id"] = trace.partition(";")[0]
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        # Differs from Lambda: the server shows the path decoded only, so it is quoted anew; a
        # `%2F` comes out as `/`, and characters that needed no quoting come out unquoted.
        path="/" + quote(rest.encode("latin-1"), safe=_PATH_CHARACTERS),
        query=environ["QUERY_STRING"],
        headers=headers,
        body=body,
        source_ip=environ["REMOTE_ADDR"],
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, text in pairs:
        joined[name] = f"{joined[name]},{text}" if name in joined else text
    return joined


def _as_text(request: HttpRequest) -> str | None:
    """The body as the event shows it; None when it has to be base64."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and not (kind.startswith(_TEXT_TYPES) or kind.endswith(_TEXT_ENDINGS)):
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None


def _parse_object(response: dict[str, Any]) -> HttpAnswer | None:
    status, text = response["statusCode"], response.get("body")
    headers, cookies = response.get("headers") or {}, response.get("cookies") or []
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if type(status) is not int or not 200 <= status <= 599:  # True is an int, too
        return None
    if not (isinstance(text, str | None) and isinstance(headers, dict)):
        return None
    if not (isinstance(cookies, list) and all(isinstance(cookie, str) for cookie in cookies)):
        return None
    if any(isinstance(value, dict | list) for value in headers.values()):
        return None
    body = _utf8(text or "")
    if response.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error:
            return None
    return _answer(status, body, headers, cookies)


def _answer(
    status: int, body: bytes, headers: Mapping[str, Any] | None = None, cookies: Sequence[str] = ()
) -> HttpAnswer:
    named = [(_name(name), _header_text(value)) for name, value in (headers or {}).items()]
    if all(name.lower() != "content-type" for name, _ in named):
        named.append(("Content-Type", "application/json"))
    named += [("Set-Cookie", cookie) for cookie in cookies]
    return HttpAnswer(status=status, headers=tuple(named), body=body)


def _name(name: str) -> str:
    return f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name


def _header_text(value: Any) -> str:
    return value if isinstance(value, str) else _compact(value)


def _stamped(answer: HttpAnswer, request_id: str, trace: str) -> HttpAnswer:
    return _with_headers(
        answer, ("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace.lower())
    )


def _with_headers(answer: HttpAnswer, *headers: tuple[str, str]) -> HttpAnswer:
    return HttpAnswer(status=answer.status, headers=(*answer.headers, *headers), body=answer.body)


def _compact(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")  # JSON can hold half a surrogate pair, UTF-8 cannot
