"""Accepts connections for an event loop, as long as there are descriptors for them."""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import Callable
from typing import Final

_AT_ONCE: Final = 64  # connections before the loop does something else
_RETRY_S: Final = 1.0
_MOST_RESERVED: Final = 1_024

log = logging.getLogger("emulator.gateway")


class Acceptor:
    """Takes connections off a listener. On the loop's thread.

    The last descriptors that this process may open are left for environments and relays: a client
    that comes then waits until another one goes. (asyncio's own server tries again at once, without
    end, and logs a traceback each time.)
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        listener.setblocking(False)
        self._loop = loop
        self._listener = listener
        self._make_protocol = make_protocol
        self._limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # The system gives the lowest number that is free, so a number tells how many are taken.
        self._most = self._limit - min(_MOST_RESERVED, self._limit // 4)
        self._retry: asyncio.TimerHandle | None = None  # while it pauses
        self._has_told = False
        loop.add_reader(listener, self._accept)

    def resume(self) -> None:
        """Accept again where it paused: a connection was closed."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
            self._loop.add_reader(self._listener, self._accept)

    def _look(self) -> None:
        """Go on if something else than a connection was closed, and look again later if not."""
        try:
            os.close(lowest := os.dup(self._listener.fileno()))
        except OSError:  # there is none at all
            lowest = self._limit
        if lowest < self._most:
            self.resume()
        else:
            self._retry = self._loop.call_later(_RETRY_S, self._look)

    def close(self) -> None:
        """Accept no more."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor, or no memory
                self._pause(str(error))
                return
            is_last = connection.fileno() >= self._most
            connection.setblocking(False)
            self._loop.create_task(self._serve(connection))
            if is_last:
                self._pause(f"{self._limit} descriptors are nearly used up")
                return

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # macOS sets no option of a connection that has gone already
            connection.close()

    def _pause(self, why: str) -> None:
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(_RETRY_S, self._look)
        if not self._has_told:  # once: it may come and go a thousand times a second
            self._has_told = True
            log.error(
                "connections.full %s: clients that come now wait until others go."
                " Raise the limit (`ulimit -n`), or have clients close their connections.",
                why,
            )
