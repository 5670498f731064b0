"""HTTP requests and answers as values, between a WSGI server and the front ends."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.model.wsgi_headers import headers_of

# What a path may hold unquoted (RFC 3986, pchar and the slash).
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
# Between a client and its next hop; AWS's front ends consume them.
HOP_BY_HOP: Final = frozenset(
    {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
JSON: Final = ("Content-Type", "application/json")
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

    @property
    def end_to_end_headers(self) -> dict[str, str]:
        """The headers without those that concern one hop only."""
        return {name: text for name, text in self.headers.items() if name not in HOP_BY_HOP}

    @property
    def media_type(self) -> str:
        """The body's type in lower case, without parameters; "" when the request names none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str | None:
        """The body where its type is text and its bytes are UTF-8; None: it has to be base64."""
        kind = self.media_type
        if self.body and not (kind.startswith(_TEXT_TYPES) or kind.endswith(_TEXT_ENDINGS)):
            return None
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """What goes back to the client."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> "HttpAnswer":
        """The answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))


def read_request(environ: WSGIEnvironment, path: str, body: bytes, trace: str) -> HttpRequest:
    """Make the request of a WSGI environ.

    path: as the environ shows it, from the function's point of view. trace: X-Amzn-Trace-Id.
    """
    headers = headers_of(environ)
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
        path="/" + quote(path.removeprefix("/").encode("latin-1"), safe=_PATH_CHARACTERS),
        query=environ["QUERY_STRING"],
        headers=headers,
        body=body,
        source_ip=environ["REMOTE_ADDR"],
    )


def send(answer: HttpAnswer, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as PEP 3333 has it."""
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {phrase_of(answer.status)}", headers)
    return [answer.body]


def phrase_of(status: int) -> str:
    """What a status line says behind the status."""
    return _PHRASES.get(status, "Unknown")


def json_answer(status: int, document: Any, *headers: tuple[str, str]) -> HttpAnswer:
    """An answer whose body is JSON in compact form."""
    return HttpAnswer(status=status, headers=(JSON, *headers), body=utf8(compact(document)))


def compact(document: Any) -> str:
    """JSON without blanks."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def utf8(text: str) -> bytes:
    """The bytes of a text that came out of JSON."""
    return text.encode(errors="replace")  # JSON can hold half a surrogate pair, UTF-8 cannot
