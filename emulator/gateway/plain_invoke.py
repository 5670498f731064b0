"""Tells a plain Invoke from every other request by its bytes: no sockets, values in, values out.

Plain is what SDKs send: HTTP/1.1, a Content-Length, no header that asks for more than an answer.
Whatever is in doubt is another request, for the server that knows all of HTTP.
"""

import re
from enum import Enum, auto
from typing import Final
from urllib.parse import unquote
from wsgiref.types import WSGIEnvironment

from emulator.model import limits
from emulator.model.value import value

START: Final = b"POST /2015-03-31/functions/"
MOST_HEAD_BYTES: Final = 65_536

_REQUEST_LINE: Final = re.compile(
    r"POST (/2015-03-31/functions/[!-.0->@-~]+/invocations)(?:\?([!-~]*))? HTTP/1\.1"
)
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_LENGTH_DIGITS: Final = 9
_ELSEWHERE: Final = frozenset(  # headers that change how a request or its answer travels
    {
        "expect",
        "http2-settings",
        "origin",
        "sec-fetch-site",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_MOST_NAMES: Final = 1_000
_keys: Final[dict[str, str]] = {}  # header name as it came -> key in an environ


class Verdict(Enum):
    """What else the bytes may be."""

    MORE = auto()  # perhaps a plain Invoke: the end of its head is not there yet
    OTHER = auto()  # certainly none


@value
class PlainInvoke:
    """An Invoke whose head is there; `environ` has no body yet."""

    environ: WSGIEnvironment
    start: int  # of its body, in the data that began with it
    end: int


def plain_invoke(data: bytes | bytearray) -> PlainInvoke | Verdict:
    """Return the plain Invoke that `data` begins with; its end may be still to come."""
    if not data.startswith(START):
        return Verdict.MORE if START.startswith(data) else Verdict.OTHER
    end_of_head = data.find(b"\r\n\r\n")
    if end_of_head < 0:
        is_other = len(data) > MOST_HEAD_BYTES or _BARE_LINE_FEED.search(data)
        return Verdict.OTHER if is_other else Verdict.MORE
    environ = _environ(data[:end_of_head])
    if environ is None:
        return Verdict.OTHER
    length = int(environ["CONTENT_LENGTH"])
    if length > limits.SYNC_REQUEST_BYTES:  # refused elsewhere, without a look at all of it
        return Verdict.OTHER
    start = end_of_head + 4
    return PlainInvoke(environ=environ, start=start, end=start + length)


def _environ(head: bytes | bytearray) -> WSGIEnvironment | None:
    if not head.isascii():
        return None
    line, *headers = head.decode().split("\r\n")
    request = _REQUEST_LINE.fullmatch(line)
    if request is None:
        return None
    path, query = request.groups("")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": "POST",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": unquote(path) if "%" in path else path,
        "QUERY_STRING": query,
    }
    if not "".join(headers).isprintable():  # a line feed alone may end a line elsewhere
        return None
    for header in headers:
        name, _, text = header.partition(":")
        key = _keys.get(name) or _key(name)
        if key is None or key in environ:  # one that came before is joined elsewhere
            return None
        environ[key] = text.strip(" ")
    length = environ.get("CONTENT_LENGTH", "")
    is_whole = "HTTP_HOST" in environ and length.isdigit() and len(length) <= _LENGTH_DIGITS
    stays_open = environ.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive"
    return environ if is_whole and stays_open else None


def _key(name: str) -> str | None:
    """Return the key of a header that is not known yet; None: no header of a plain Invoke."""
    if not _NAME.fullmatch(name) or name.lower() in _ELSEWHERE:
        return None
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_keys) < _MOST_NAMES:  # names made up by a client do not fill the memory
        _keys[name] = key
    return key
