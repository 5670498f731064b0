"""A real server and a bare socket to talk to it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from wsgiref.types import WSGIApplication

import pytest

from emulator.gateway.serving import Server, serve

Serve = Callable[[WSGIApplication], Server]


@pytest.fixture
def served() -> Iterator[Serve]:
    """Serve an application on a free port until the test ends."""
    with ExitStack() as stack:

        def start(wsgi: WSGIApplication) -> Server:
            server = serve(wsgi, "127.0.0.1", 0)
            stack.callback(server.stop, 5.0)
            return server

        yield start


def exchange(port: int, request: bytes, *, end: bytes = b"", half_close: bool = False) -> bytes:
    """Send raw bytes; return what comes back up to `end`, or until the server closes."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.sendall(request)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while not (end and answer.endswith(end)):
            data = client.recv(65_536)
            if not data:
                break
            answer += data
        return answer


@pytest.fixture(name="exchange")
def _exchange() -> Callable[..., bytes]:
    return exchange
