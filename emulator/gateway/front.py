"""The door: answers plain Invokes on one event loop, and relays everything else to granian.

One thread, "gateway", owns the sockets of all clients. Each request is looked at where it begins:
what is no plain Invoke is relayed, byte by byte, with its answer. Why, and what it costs:
docs/serving.md.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Final
from wsgiref.types import WSGIEnvironment

from emulator.gateway.acceptor import Acceptor
from emulator.gateway.calls import Calls
from emulator.gateway.client import Client
from emulator.gateway.relay import Backend
from emulator.gateway.router import Answer
from emulator.gateway.wakeful import WakefulSelector
from emulator.model.steps import Steps

log = logging.getLogger("emulator.gateway")

FastInvoke = Callable[[WSGIEnvironment], Steps[Answer] | None]
"""The steps of an Invoke; None: the server behind is to answer the request."""


class Front:
    """Accepts connections. Any thread may call its public methods, but where it is said."""

    def __init__(self, listener: socket.socket, backend: Backend, fast_invoke: FastInvoke) -> None:
        self.backend = backend
        self.is_stopping = False
        selector = WakefulSelector()
        self.loop: Final = asyncio.SelectorEventLoop(selector)
        self.calls: Final = Calls(self.loop, selector.stay_awake)
        self._clients: set[Client] = set()
        self._none = threading.Event()  # it stops, and all connections are closed
        self._fast_invoke = fast_invoke
        self._date = (0, "")
        self._acceptor = Acceptor(self.loop, listener, lambda: Client(self))
        self._thread = threading.Thread(target=self.loop.run_forever, name="gateway", daemon=True)
        self._thread.start()

    def stop_accepting(self) -> None:
        """Take no new connection; those that there are close when they have their answers."""
        self.loop.call_soon_threadsafe(self._stop_accepting)

    def close(self, flush_s: float) -> None:
        """End the thread; clients get up to `flush_s` to take what they have been answered."""
        self._none.wait(flush_s)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self._abort_all())
        self.calls.close()
        self.loop.close()

    async def _abort_all(self) -> None:
        for client in list(self._clients):
            client.abort()
        # They lose their connections, then their relays theirs, or give up to connect.
        for _ in range(3):
            await asyncio.sleep(0)

    # On the loop's thread.

    def came(self, client: Client) -> None:
        """A client has connected."""
        self._clients.add(client)

    def went(self, client: Client) -> None:
        """Its connection is closed."""
        self._clients.discard(client)
        self._acceptor.resume()
        self._tell_none()

    def steps(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        """The steps of a plain Invoke; None: the server behind is to answer."""
        try:
            return self._fast_invoke(environ)
        except Exception:  # the server behind meets the same mistake of ours, and can say so
            log.exception("request.failed")
            return None

    def date(self) -> str:
        """The value of the header `Date`, made once a second."""
        now = int(time.time())
        if now != self._date[0]:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]

    def _stop_accepting(self) -> None:
        self.is_stopping = True
        self._acceptor.close()
        for client in list(self._clients):
            client.close_if_idle()
        self._tell_none()

    def _tell_none(self) -> None:
        if self.is_stopping and not self._clients:
            self._none.set()
