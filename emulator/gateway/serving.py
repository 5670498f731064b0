"""Serves a WSGI application over HTTP/1.1 and HTTP/2 (prior knowledge) from one port.

granian's worker runs inside this process: one Rust thread owns the sockets, and each running
request holds one Python thread, made when needed. What granian does by itself, and what is
mended in `exchange` and `request_body`, each held by a test in tests/gateway/test_serving.py:

- Keep-alive, pipelining, chunked bodies, `Expect: 100-continue`, HTTP/1.0, h2c, HEAD, and 204 and
  304 without a body: granian. It joins repeated request headers with a comma, and shows neither
  the undecoded path nor whether a header had `-` or `_` in its name.
- Over 100 headers or 400 KiB of them: granian answers 431; garbage: 400.
- An upload is read when the application asks for it; `RequestBody` mends granian's reader.
- A client that goes away does not stop the application. A streamed answer is closed at its next
  chunk, so a stream that may be silent for long has to yield b"" now and then.
- An application error becomes a 500 with a JSON body and a log line; one in the middle of a
  streamed answer breaks the connection off: granian does that when there was a Content-Length; when
  there was none, it would end the answer as if whole, and the relay does it (over HTTP/1.1; a
  stream of HTTP/2 just ends).
- A wrong Content-Length on a whole body is dropped (the client would wait for the rest). A status
  outside 200 to 999 becomes a 500 (granian would abort the process).
"""

import asyncio
import errno
import socket
import sys
import threading
import time
from typing import Any, Final
from wsgiref.types import WSGIApplication

from granian import _futures, _granian
from granian.http import HTTP1Settings, HTTP2Settings

from emulator.gateway.exchange import Requests
from emulator.gateway.front import FastInvoke, Front
from emulator.gateway.relay import Backend

THREADS: Final = 1_500  # 1,000 concurrent invocations, and their calls back to S3 and others
IDLE_THREAD_S: Final = 30
CONNECTIONS: Final = 4_096
BACKLOG: Final = 1_024
IDLE_CONNECTION_MS: Final = 600_000
FLUSH_S: Final = 0.5

# Not granian's public API: its stubs lack these, so a start-up on another version fails loudly.
_rust: Any = _granian
_new_scheduler: Any = _futures._new_cbscheduler


class ListenError(Exception):
    """The address cannot be listened on; the text says what to do."""


class Server:
    """A running server. Any thread may call."""

    def __init__(
        self, wsgi: WSGIApplication, listener: socket.socket, fast_invoke: FastInvoke
    ) -> None:
        self.host, self.port = listener.getsockname()[:2]
        behind = _listen("127.0.0.1", 0)
        backend = Backend(behind.getsockname()[1])
        self._requests = Requests(wsgi, self.port, backend.relays)
        self._closed = threading.Event()
        self._is_stopped = False
        self._signal = _rust.WorkerSignal()
        self._signal.add_cb(self._closed.set)
        self._loop = asyncio.new_event_loop()  # granian wants one; WSGI never runs it
        scheduler = _new_scheduler(self._loop, self._requests)
        _worker(behind).serve_mtr(scheduler, self._loop, self._signal)
        self._front = Front(listener, backend, fast_invoke)

    def stop(self, grace_s: float = 10.0) -> bool:
        """Stop accepting and wait for running requests; False when some were still running."""
        if self._is_stopped:
            return True
        self._is_stopped = True
        deadline_s = time.monotonic() + grace_s
        self._front.stop_accepting()
        self._signal.set()
        is_idle = self._front.calls.wait_none(grace_s)
        is_idle &= self._requests.wait_none(max(0.0, deadline_s - time.monotonic()))
        # granian tells when all answers are flushed and all connections closed. It may tell just
        # before its own waiter listens, so its word is not waited for without end.
        flush_s = FLUSH_S if is_idle else 0.0
        self._closed.wait(flush_s)
        self._loop.close()
        self._front.close(flush_s)
        return is_idle


def serve(
    wsgi: WSGIApplication, host: str, port: int, fast_invoke: FastInvoke = lambda _environ: None
) -> Server:
    """Listen on `host` and `port` (0: a free one) and serve `wsgi` until stopped.

    fast_invoke: answers those plain Invokes that `wsgi` need not see. Raises ListenError.
    """
    return Server(wsgi, _listen(host, port), fast_invoke)


def _listen(host: str, port: int) -> socket.socket:
    # A listener of granian's own would share a taken port (SO_REUSEPORT) instead of refusing it.
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found)  # IPv4 first: "localhost" must answer on 127.0.0.1
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ListenError(_explain(error, host, port)) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return listener


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken. Stop the other process, or pass --port 0 to pick a free one."
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has. Pass a --port above 1023."
    return f"cannot listen on host {host!r}: {error.strerror}. Pass --host 127.0.0.1."


def _worker(listener: socket.socket) -> Any:
    backlog = (BACKLOG,) if sys.platform.startswith(("linux", "freebsd")) else ()
    holder = _rust.SocketHolder(listener.detach(), False, *backlog)  # granian closes it
    return _rust.WSGIWorker(
        1,  # worker id
        (None, holder),
        None,  # ipc
        1,  # threads of its own loop
        1,  # threads for its file access, of which there is none
        THREADS,
        IDLE_THREAD_S,
        CONNECTIONS,
        "auto",  # HTTP/1 and HTTP/2
        HTTP1Settings(header_read_timeout=IDLE_CONNECTION_MS),
        HTTP2Settings(),
        None,  # static files
        *(False, None, None, None, "tls1.3", None, [], False),  # no TLS
        (None, None),  # metrics
    )
