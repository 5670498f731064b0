"""One request and its answer, between granian and a WSGI application."""

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol
from wsgiref.types import WSGIApplication, WSGIEnvironment

from emulator.gateway.request_body import RequestBody

DRAIN_BYTES: Final = 16 * 1024 * 1024
_WITHOUT_BODY: Final = (204, 304)

INTERNAL_ERROR: Final = b'{"message": "Internal server error. The emulator\'s log has the cause."}'

log = logging.getLogger("emulator.gateway")

Headers = list[tuple[str, str]]


class Exchange(Protocol):
    """granian's side of one request."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer with a whole body."""

    def response_iter(self, status: int, headers: Headers, body: "Chunks") -> None:
        """Answer chunk by chunk; returns when the last was handed over or the client went."""


class RelayedClient(Protocol):
    """Whose request it is: a client, on a connection that granian has no hold of."""

    @property
    def address(self) -> str:
        """Its IP address."""

    def break_off(self) -> bytes:
        """What to write for its connection to break there: it sees that the answer is not whole."""


class Requests:
    """What granian calls for each request, on a thread of its own; knows which are running.

    Any thread may call. There is no lock on the way of every request: adding to and discarding
    from a set is atomic.
    """

    def __init__(
        self,
        wsgi: WSGIApplication,
        port: int = 0,
        clients: Mapping[str, RelayedClient] | None = None,
    ) -> None:
        """port: that clients connected to. clients: by the address that granian sees."""
        self._wsgi = wsgi
        self._clients = {} if clients is None else clients
        self._running: set[Exchange] = set()
        self._stopping = False
        self._none = threading.Event()
        self._fixed: WSGIEnvironment = {
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "SERVER_PORT": str(port),
        }

    def __call__(self, exchange: Exchange, environ: WSGIEnvironment) -> None:
        """Run the application and send its answer; never raises an application's error."""
        self._running.add(exchange)
        try:
            self._answer(exchange, environ)
        except ConnectionError:
            exchange.response_bytes(400, [], b"")  # the client has gone; nobody reads this
        except Exception:  # top of a request thread; the thread takes the next request
            log.exception("request.failed %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            headers = [("Content-Type", "application/json")]
            exchange.response_bytes(500, headers, INTERNAL_ERROR)
        finally:
            self._running.discard(exchange)
            if self._stopping and not self._running:
                self._none.set()

    def wait_none(self, timeout_s: float) -> bool:
        """Wait until no request is running; False when some still are after `timeout_s`."""
        self._stopping = True
        return not self._running or self._none.wait(timeout_s)

    def _answer(self, exchange: Exchange, environ: WSGIEnvironment) -> None:
        body = _request_body(environ)
        environ.update(self._fixed)
        # None: it has just gone, or this system shows granian all of them as the local one.
        client = self._clients.get(environ["REMOTE_ADDR"])
        environ["REMOTE_ADDR"] = "127.0.0.1" if client is None else client.address
        environ["wsgi.input"] = body
        start = StartResponse()
        answer = self._wsgi(environ, start)
        try:
            if "HTTP_EXPECT" not in environ:
                # Otherwise granian would close a connection on which the client still sends,
                # and the client could see a reset instead of the answer.
                body.drain(DRAIN_BYTES)
            _send(exchange, environ, start, answer, client)
        finally:
            if close := getattr(answer, "close", None):
                close()


class StartResponse:
    """`start_response` of one request. The write callable of PEP 3333 is not offered."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []

    def __call__(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """Keep status and headers until the first bytes of the body are there."""
        self.status = int(status[:3])
        self.headers = headers
        return _no_write


class Chunks:
    """A streamed answer in the form granian reads."""

    __slots__ = ("__next__",)

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.__next__ = chunks.__next__

    def close(self) -> None:
        """Do nothing: the request that made the answer closes it."""


def _request_body(environ: WSGIEnvironment) -> RequestBody:
    length = environ.get("CONTENT_LENGTH")
    if length is not None:
        return RequestBody(environ["wsgi.input"], int(length))
    # Nothing but Transfer-Encoding announces such a body in HTTP/1, nothing at all in HTTP/2.
    has_body = "HTTP_TRANSFER_ENCODING" in environ or environ["SERVER_PROTOCOL"] == "HTTP/2"
    environ["wsgi.input_terminated"] = True
    return RequestBody(environ["wsgi.input"], None if has_body else 0)


def _send(
    exchange: Exchange,
    environ: WSGIEnvironment,
    start: StartResponse,
    answer: Iterable[bytes],
    client: RelayedClient | None,
) -> None:
    method = environ["REQUEST_METHOD"]
    if isinstance(answer, list):
        _send_whole(exchange, method, start, answer[0] if len(answer) == 1 else b"".join(answer))
        return
    chunks = iter(answer)
    if not start.status:  # a generator calls start_response when it is asked for its first chunk
        chunks = _join(next(chunks, b""), chunks)
    promised = _content_length(start.headers)
    if promised is not None:
        # Mostly the first chunk is all; sent as a whole body it takes no way between threads.
        first = next(chunks, b"")
        if len(first) >= promised or method == "HEAD":
            _send_whole(exchange, method, start, first)
            return
        chunks = _join(first, chunks)
    has_body = method != "HEAD" and start.status not in _WITHOUT_BODY  # else no mark comes by
    is_chunked = promised is None and has_body and environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    chunks = _whole_or_broken_off(chunks, client if is_chunked else None)
    exchange.response_iter(_checked(start.status), start.headers, Chunks(chunks))


def _send_whole(exchange: Exchange, method: str, start: StartResponse, body: bytes) -> None:
    headers = start.headers
    if method != "HEAD" and _content_length(headers) not in (None, len(body)):
        headers = [header for header in headers if header[0].lower() != "content-length"]
    exchange.response_bytes(_checked(start.status), headers, body)


def _checked(status: int) -> int:
    if not 200 <= status <= 999:
        raise ValueError(f"the application answered with status {status}")
    return status


def _content_length(headers: Headers) -> int | None:
    for name, value in headers:
        if len(name) == 14 and name.lower() == "content-length":
            return int(value)
    return None


def _join(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _whole_or_broken_off(chunks: Iterator[bytes], client: RelayedClient | None) -> Iterator[bytes]:
    """Pass the chunks of an answer on; where they fail, `client` is to see that it is not whole.

    granian sees to that itself where there is a length that is not reached.
    """
    try:
        yield from chunks
    except Exception as error:  # status and headers have gone; who asked gets what there is
        if not isinstance(error, ConnectionError):  # those are told of where they come from
            log.exception("request.failed in the middle of its answer")
        if client is not None:
            yield client.break_off()


def _no_write(_data: bytes) -> object:
    raise NotImplementedError("return the body instead of writing it")
