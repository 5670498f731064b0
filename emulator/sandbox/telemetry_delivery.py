"""One batch of telemetry on its way to an extension: sockets that never block their thread."""

import contextlib
import selectors
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import httptools
from typing_extensions import override

from emulator.runtime_api import Destination

# The host's network is the environment's: `sandbox.localdomain` is this address for both.
HOST: Final = "127.0.0.1"
_READ_BYTES: Final = 65_536
_OK: Final = range(200, 300)

Ended = Callable[[bool], None]


class Delivery(Protocol):
    """Brings batches to one destination, one at a time. Used by the sender's thread only."""

    def send(self, batch: Sequence[bytes]) -> None:
        """Begin to deliver; `ended` of the constructor hears whether it worked."""

    def close(self) -> None:
        """Give up what is on its way, and hear nothing of it."""


def delivery_to(
    destination: Destination, selector: selectors.BaseSelector, ended: Ended
) -> Delivery:
    """Make what delivers to `destination`; its sockets are served by who waits on `selector`."""
    if destination.method is None:
        return _TcpDelivery(destination, selector, ended)
    return _HttpDelivery(destination, selector, ended)


class _Delivery(ABC):
    """What both protocols share: connect, write."""

    def __init__(
        self, destination: Destination, selector: selectors.BaseSelector, ended: Ended
    ) -> None:
        self._destination = destination
        self._selector = selector
        self._ended = ended
        self._socket: socket.socket | None = None
        self._left = memoryview(b"")

    def send(self, batch: Sequence[bytes]) -> None:
        self._left = memoryview(self._encode(batch))
        if self._socket is not None:
            self._selector.modify(self._socket, selectors.EVENT_WRITE, self._write)
            return
        try:
            self._socket = socket.socket()
        except OSError:  # no descriptor is left
            self._ended(False)
            return
        self._socket.setblocking(False)
        self._socket.connect_ex((HOST, self._destination.port))  # `_write` hears how it went
        self._selector.register(self._socket, selectors.EVENT_WRITE, self._write)

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    @abstractmethod
    def _encode(self, batch: Sequence[bytes]) -> bytes:
        """Return what goes over the wire."""

    @abstractmethod
    def _written(self, sock: socket.socket) -> None:
        """Go on after the last byte was taken."""

    def _write(self) -> None:
        sock = self._socket
        assert sock is not None
        try:
            self._left = self._left[sock.send(self._left) :]
        except BlockingIOError:
            return
        except OSError:  # refused, or closed
            self._end(ok=False)
            return
        if not self._left:
            self._written(sock)

    def _end(self, *, ok: bool) -> None:
        self.close()
        self._ended(ok)


class _HttpDelivery(_Delivery):
    """A request for each batch, on a connection of its own: many listeners serve one at a time."""

    @override
    def _encode(self, batch: Sequence[bytes]) -> bytes:
        where = self._destination
        body = b"[" + b",".join(batch) + b"]"
        head = (
            f"{where.method} {where.path} HTTP/1.1\r\nHost: {where.host}:{where.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + body

    @override
    def _written(self, sock: socket.socket) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._selector.modify(sock, selectors.EVENT_READ, self._read)

    def on_message_complete(self) -> None:
        """Hear from the parser that the whole answer is there."""
        self._is_answered = True

    def _read(self) -> None:
        assert self._socket is not None
        self._is_answered = False
        try:
            data = self._socket.recv(_READ_BYTES)
            self._parser.feed_data(data)
        except BlockingIOError:
            return
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            data = b""
        if self._is_answered or not data:
            # An answer without a length lasts until the connection is closed.
            self._end(ok=self._parser.get_status_code() in _OK)


class _TcpDelivery(_Delivery):
    """A line for each record, on one connection for all."""

    @override
    def _encode(self, batch: Sequence[bytes]) -> bytes:
        return b"".join(record + b"\n" for record in batch)

    @override
    def _written(self, sock: socket.socket) -> None:
        self._selector.modify(sock, selectors.EVENT_READ, self._hear)
        self._ended(True)

    def _hear(self) -> None:
        """Throw away what the listener says; its end is noticed."""
        assert self._socket is not None
        data = b""
        with contextlib.suppress(OSError):
            data = self._socket.recv(_READ_BYTES)
        if not data:
            self.close()
