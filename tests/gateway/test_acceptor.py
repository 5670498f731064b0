"""Connections when descriptors run out."""

import asyncio
import os
import socket
from contextlib import ExitStack, closing

import pytest
from typing_extensions import override

from emulator.gateway.acceptor import Acceptor


def test_what_is_kept_free_stays_free_until_something_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted: list[asyncio.BaseTransport] = []

    class Connected(asyncio.Protocol):
        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    with ExitStack() as stack:
        # Not `asyncio.run`, which looks at all tasks there are: granian's are none of asyncio's.
        loop = stack.enter_context(closing(asyncio.new_event_loop()))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for _ in range(9):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        others = [os.dup(listener.fileno()) for _ in range(3)]
        monkeypatch.setattr("emulator.gateway.acceptor._MOST_RESERVED", 1)
        limit = max(others) + 4
        monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
        acceptor = Acceptor(loop, listener, Connected)

        def look_again() -> int:
            assert acceptor._retry is not None
            acceptor._retry._run()
            for _ in range(3):
                loop.run_until_complete(asyncio.sleep(0))
            return len(accepted)

        while acceptor._retry is None:
            loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(asyncio.sleep(0))
        before = len(accepted)
        assert 0 < before < 9
        assert [look_again() for _ in range(3)] == [before] * 3
        for each in others:
            os.close(each)
        assert look_again() > before
        acceptor.close()
        for transport in accepted:
            transport.close()
        loop.run_until_complete(asyncio.sleep(0))
