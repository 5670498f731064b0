"""What passes between a client and the server behind, at its odd moments."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any, cast

import pytest

from emulator.gateway.relay import Backend, Relay

LAST_WORDS = b"x" * 150_000


class FakeTransport:
    """Keeps what is written."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.written = b""
        self._sock = sock
        self.is_open = True

    def get_extra_info(self, name: str) -> socket.socket | None:
        return self._sock if name == "socket" else None

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        pass

    resume_reading = write_eof = pause_reading

    def close(self) -> None:
        self.is_open = False

    abort = close


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def relay_between(client: FakeTransport, server: FakeTransport) -> Relay:
    relay = Relay(cast(Any, client), lambda: None)
    relay._server = cast(Any, server)
    relay._leave = partial(Backend(1).leave, "nowhere")
    return relay


def test_all_that_a_server_said_before_it_broke_off_is_passed_on(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    ours.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
    theirs.settimeout(10)
    theirs.sendall(LAST_WORDS)
    client = FakeTransport()
    relay = relay_between(client, FakeTransport(ours))
    relay.send(b"GET / HTTP/1.1\r\n\r\n")
    relay.connection_lost(ConnectionResetError())
    assert client.written == LAST_WORDS
    assert not client.is_open


def test_what_comes_behind_a_refused_upload_is_answered_by_nobody() -> None:
    client = FakeTransport()
    relay = relay_between(client, FakeTransport())
    refusal = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with closing(asyncio.new_event_loop()) as relay._loop:
        relay.send(b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1234")
        relay.data_received(refusal)
        relay.connection_lost(None)
        assert client.is_open  # for a moment
        relay.send(b"56789")
        assert not relay.is_at_rest  # else the next request would be an Invoke, perhaps
    assert client.written == refusal


def test_who_cannot_be_relayed_for_want_of_descriptors_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none_left(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    async def connect(loop: asyncio.AbstractEventLoop) -> bytes:
        client = FakeTransport()
        relay = Relay(cast(Any, client), lambda: None)
        relay.connect(loop, Backend(1))
        await relay._connecting
        assert not client.is_open
        return client.written

    # Not `asyncio.run`, which looks at all tasks there are: those of granian are none of asyncio's.
    with closing(asyncio.new_event_loop()) as loop:
        monkeypatch.setattr(loop, "create_connection", none_left)
        answer = loop.run_until_complete(connect(loop))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert b"ulimit -n" in body
