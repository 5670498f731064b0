"""HTTP/1.1 from a runtime, one connection: bytes in, requests out; answers in, bytes out."""

import socket
import struct
from collections import deque
from functools import lru_cache
from typing import Any

import httptools

from emulator.runtime_api.own_requests import NEXT_REQUEST, own_requests
from emulator.runtime_api.response_stream import OpenBody
from emulator.runtime_api.rules import RESPONSE_MODE, Reply, Request, is_response, refuse

# Room for a usual answer. A large buffer is mapped and unmapped for each call, so only a body
# that is known to be large gets one.
HEAD_BYTES = 16_384
BODY_BYTES = 1_048_576
STREAM_BYTES = 131_072
REASONS = {
    100: "Continue",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {reason}" for status, reason in REASONS.items()}
LARGE_DIGITS = 5  # a Content-Length of more digits announces a large body
PATIENCE_S = 0.005
_PATIENCE = struct.pack("@ll", 0, int(PATIENCE_S * 1_000_000))  # a timeval
# What more a client may send than anybody wants: then it is broken, and the emulator is not.
MAX_BODY_BYTES = 16 * 1024 * 1024  # of a body; what is refused as too large is smaller
MAX_HEAD_BYTES = 2 * 1024 * 1024  # the header for X-Ray may have 1 MB
MAX_PIPELINED = 128  # requests that wait behind one that waits for an event
MAX_UNREAD_BYTES = 32 * 1024 * 1024  # answers that it does not read

NOT_HTTP = refuse(400, "BadRequest", "not HTTP")
TOO_LONG = refuse(431, "RequestHeaderFieldsTooLarge", "the head of the request is too large")
TRUNCATED = refuse(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")


class Connection:
    """One socket of a runtime. Used by one thread at a time.

    Answers are kept in `_outgoing` until `flush`, so that an answer and the event that follows
    it leave in one segment. Requests that came pipelined wait in `requests`; a streamed response
    is there from its head on, and its body grows.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.requests: deque[Request] = deque()
        self.is_open = True
        self.is_waiting = False  # for an event; what comes behind that request waits, too
        self.is_last = False  # no request comes after those that came: close when they are answered
        self.asks_at_once = False  # an answer and the request for the next event come together
        sock.setblocking(True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        self._parser = httptools.HttpRequestParser(self)
        self._outgoing = bytearray()
        self._headers: dict[str, Any]
        self._open_body: OpenBody | None
        self._reset()

    def fileno(self) -> int:
        """Descriptor, for a selector."""
        return self.socket.fileno()

    @property
    def has_own_requests(self) -> bool:
        """True when an answer and the request for the next event are there, and nothing else."""
        requests = self.requests
        return len(requests) == 2 and requests[1] is NEXT_REQUEST and not self.is_waiting

    @property
    def unfinished_path(self) -> str | None:
        """The path of a request whose body has not come to its end; None: there is none."""
        return self._path() if self._url else None

    def receive(self, *, patiently: bool = False) -> bool:
        """Read what is there; complete requests join `requests`. False: nothing was there.

        patiently: where nothing is there, wait up to `PATIENCE_S` for it.
        """
        try:
            data = self.socket.recv(self._receive_bytes, 0 if patiently else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            if self.unfinished_path is not None:  # it may still read
                self.reply(TRUNCATED)
                self.flush()
            self.is_open = False
            return False
        requests = None if self._is_within else own_requests(data)
        if requests is None:
            self._feed(data)
        else:
            self.asks_at_once = True
            self.requests += requests
        if self.is_waiting and len(self.requests) > MAX_PIPELINED:
            self.is_open = False
        return True

    def _feed(self, data: bytes) -> None:
        left: bytes | memoryview = data
        try:
            while left:
                left = self._parse(left)
        except httptools.HttpParserError:
            self.reply(TOO_LONG if self._head_size > MAX_HEAD_BYTES else NOT_HTTP)
            self.flush()
            self.is_open = False

    def _parse(self, data: bytes | memoryview) -> bytes | memoryview:
        """Parse up to an offer of another protocol; return what comes behind it."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            # Java's client offers HTTP/2 with a request, and takes an HTTP/1.1 answer. The parser
            # stops behind its head, so that is read again, without the offer.
            self._parser = httptools.HttpRequestParser(self)
            if self.requests[-1].method == "CONNECT":  # it stays refused
                return b""
            self._parser.feed_data(_without_offer(self.requests.pop()))
            return memoryview(data)[offer.args[0] :]
        return b""

    @property
    def is_flushed(self) -> bool:
        """True when all that was queued is sent."""
        return not self._outgoing

    def reply(self, reply: Reply) -> None:
        """Queue one answer."""
        if reply.headers is None:
            self._outgoing += _plain_head(reply.status, len(reply.body)) + reply.body
            return
        head = [_STATUS_LINES[reply.status], *map(": ".join, reply.headers.items())]
        if "Content-Type" not in reply.headers:
            head.append("Content-Type: application/json")
        head += (f"Content-Length: {len(reply.body)}", "", "")
        self._outgoing += "\r\n".join(head).encode("latin-1", "replace")
        self._outgoing += reply.body

    def flush(self) -> bool:
        """Send what is queued; False means the socket is full and there is more."""
        if not self._outgoing:
            return True
        try:
            sent = self.socket.send(self._outgoing, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return self._has_given_up()
        except OSError:
            self.is_open = False
            self._outgoing.clear()
            return True
        if sent == len(self._outgoing):
            self._outgoing.clear()
            return True
        del self._outgoing[:sent]
        return self._has_given_up()

    def _has_given_up(self) -> bool:
        """Tell whether more waits to be sent than a client that reads would let wait."""
        if len(self._outgoing) > MAX_UNREAD_BYTES:
            self.is_open = False
            self._outgoing.clear()
        return not self.is_open

    def close(self) -> None:
        """Close the socket."""
        self.is_open = False
        self.socket.close()

    # The parser calls what follows.

    def on_message_begin(self) -> None:
        """Note that what comes next goes on with a request."""
        self._is_within = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._url += url
        self._limit_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, or one trailer."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._limit_head(len(name) + len(value))

    def _limit_head(self, more_bytes: int) -> None:
        self._head_size += more_bytes
        if self._head_size > MAX_HEAD_BYTES:
            raise ValueError("the head of the request is too large")  # the parser gives up

    def on_headers_complete(self) -> None:
        """Let a client that waits for permission send its body."""
        if len(self._headers.get("content-length", "")) > LARGE_DIGITS:
            self._receive_bytes = BODY_BYTES
        if self._headers.get("expect", "").lower() == "100-continue":
            self._outgoing += b"HTTP/1.1 100 Continue\r\n\r\n"
            self.flush()
        if RESPONSE_MODE in self._headers and is_response(self._path()):
            self._hand_over_open()

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        if self._open_body is not None:
            self._open_body.pieces.append(data)
            return
        self._size += len(data)
        if self._size <= MAX_BODY_BYTES:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """Hand over the request."""
        self.is_last = not self._parser.should_keep_alive()
        if self._open_body is not None:
            self._open_body.trailers = self._headers
            self._reset()
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method = self._parser.get_method().decode()
        path = self._path()
        self.requests.append(Request(method=method, path=path, headers=self._headers, body=body))
        self._reset()

    def _hand_over_open(self) -> None:
        """Let the head of a streamed response go ahead of its body."""
        self._open_body = OpenBody()
        self.requests.append(
            Request(
                method=self._parser.get_method().decode(),
                path=self._path(),
                headers=self._headers,
                body=b"",
                open_body=self._open_body,
            )
        )
        self._headers = {}  # what still comes are trailers
        self._receive_bytes = STREAM_BYTES

    def _path(self) -> str:
        return self._url.decode("latin-1").partition("?")[0]

    def _reset(self) -> None:
        self._url = b""
        self._headers = {}
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._open_body = None
        self._is_within = False  # the parser has seen a part of a request
        self._receive_bytes = HEAD_BYTES


@lru_cache(maxsize=64)
def _plain_head(status: int, length: int) -> bytes:
    lines = f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return f"{_STATUS_LINES[status]}\r\n{lines}".encode()


def _without_offer(request: Request) -> bytes:
    head = f"{request.method} {request.path} HTTP/1.1\r\n"
    for name, value in request.headers.items():
        if name not in ("connection", "expect", "http2-settings", "upgrade"):
            head += f"{name}: {value}\r\n"
    return (head + "\r\n").encode("latin-1")
