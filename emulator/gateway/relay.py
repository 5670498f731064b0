"""Passes the bytes of a client's connection on to the server behind, and back."""

import asyncio
import contextlib
import errno
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import httptools
from typing_extensions import override

_LOOPBACK: Final = "127.0.0.1"
_ALIASES: Final = 0xFFFF
_LAST_BYTES: Final = 65_536
_LINGER_S: Final = 1.0
_SILENCE_S: Final = 1.0  # of a server, before it hears that its client sends no more

_WHY: Final = b'{"message": "The emulator has no descriptor left: raise its limit (`ulimit -n`)."}'
_NO_DESCRIPTOR: Final = b"\r\n".join(
    [
        b"HTTP/1.1 503 Service Unavailable",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(_WHY),
        b"Connection: close",
        b"",
        _WHY,
    ]
)


class Backend:
    """The server behind: where it listens, and which relay a connection that it sees belongs to.

    All it sees of a connection is the address that it comes from. Where the system has all of
    127.0.0.0/8, each relay connects from an address of its own. Used on the loop's thread;
    reading `relays` is any thread's.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.relays: dict[str, Relay] = {}  # by the address that they connect from
        self._last = 0
        self._has_aliases = _can_connect_from(_alias(1))

    def join(self, relay: "Relay") -> str:
        """Return the address for `relay` to connect from, until it leaves."""
        if not self._has_aliases:
            return _LOOPBACK
        self._last = next(each for each in self._numbers() if _alias(each) not in self.relays)
        address = _alias(self._last)
        self.relays[address] = relay
        return address

    def leave(self, address: str) -> None:
        """Nothing that comes from `address` is under way any more."""
        self.relays.pop(address, None)

    def _numbers(self) -> Iterator[int]:
        """Every number there is, the one that was given away last at the end."""
        return (number % _ALIASES + 1 for number in range(self._last, self._last + _ALIASES))


def _alias(number: int) -> str:
    return f"127.77.{number >> 8}.{number & 0xFF}"


def _can_connect_from(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:  # macOS has 127.0.0.1 only
            return False
    return True


class Relay(asyncio.Protocol):
    """The connection behind one of a client. On the loop's thread.

    Neither side is read faster than the other one takes what it gets. What passes is parsed along
    the way, only to know when nothing is under way and another may answer the next request.
    """

    # A body that contains it is not whole. Nobody who writes bodies knows it.
    _MARK: Final = secrets.token_bytes(16)

    def __init__(self, client: asyncio.Transport, on_loss: Callable[[], None]) -> None:
        """on_loss: called when the server has closed the connection and nothing was under way."""
        self.address = (client.get_extra_info("peername") or (_LOOPBACK,))[0]  # the client's
        self._client = client
        self._on_loss = on_loss
        self._early: list[bytes] = []  # what the client sent before there was a connection
        self._server: asyncio.Transport | None = None
        self._is_at_end = False  # the client sends no more
        self._silence: asyncio.TimerHandle | None = None
        self._is_over = False
        self._is_marked = False  # the mark is on its way
        self._held = b""  # of what came since: perhaps the mark's beginning
        self._requests = _Requests()
        self._responses = _Responses()

    @property
    def is_at_rest(self) -> bool:
        """True when every request that began has ended, and all have their answers.

        Never once the connection is over: what its client still sends is answered by nobody.
        """
        requests, responses = self._requests, self._responses
        if self._is_over or not (requests.is_known and responses.is_known):
            return False
        return not requests.is_within and requests.ended == responses.ended

    def connect(self, loop: asyncio.AbstractEventLoop, backend: Backend) -> None:
        """Connect, and read no more of the client until that is done."""
        self._loop = loop
        self._client.pause_reading()
        self._connecting = loop.create_task(self._connect(backend))

    async def _connect(self, backend: Backend) -> None:
        address = backend.join(self)
        self._leave = partial(backend.leave, address)
        try:
            await self._loop.create_connection(
                lambda: self, _LOOPBACK, backend.port, local_addr=(address, 0)
            )
        except OSError as error:
            self._leave()
            self._refuse(error)
        except asyncio.CancelledError:
            self._leave()
            raise

    def _refuse(self, error: OSError) -> None:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            self._client.write(_NO_DESCRIPTOR)
            self._client.close()
        else:  # the server behind has stopped
            self._client.abort()

    def send(self, data: bytes) -> None:
        """Pass on what the client sent."""
        self._requests.feed(data)
        if self._server is None:
            self._early.append(data)
        elif not self._is_over:
            self._server.write(data)

    def send_eof(self) -> None:
        """The client sends no more, but may still read."""
        self._is_at_end = True
        self._send_eof_on()

    def _send_eof_on(self) -> None:
        # granian drops what it is about to answer when it hears that no more comes. So it does
        # when all is answered, or when half a request came, which has none; while an answer
        # streams, and where one cannot tell, after a moment of silence: else nobody would notice
        # for long that the reader has gone.
        self._end_silence()
        requests, responses = self._requests, self._responses
        is_known = requests.is_known and responses.is_known
        if self._server is None or self._is_over:
            return
        if is_known and (requests.is_within or requests.ended == responses.ended):
            self._server.write_eof()
        elif not is_known or (responses.is_within and responses.is_streamed):
            self._silence = self._loop.call_later(_SILENCE_S, self._server.write_eof)

    def _end_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def client_lost(self) -> None:
        """The client is gone: nobody waits for what the server may still send."""
        self._is_over = True
        self._end_silence()
        if self._server is not None:
            self._server.abort()
        else:
            self._connecting.cancel()

    def break_off(self) -> bytes:
        """Return the mark to write in the place of an answer's rest.

        Where it comes by, the client's connection is closed, so that the client sees that
        something is missing. Any thread may call.
        """
        self._is_marked = True
        return self._MARK

    def pause(self) -> None:
        """The client does not read what it got."""
        self._end_silence()  # it is ours
        if self._server is not None:
            self._server.pause_reading()

    def resume(self) -> None:
        """The client reads again."""
        if self._server is not None:
            self._server.resume_reading()
            if self._is_at_end:
                self._send_eof_on()

    # The loop calls what follows, about the server's side.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._server = transport
        if self._is_over:
            transport.abort()
            return
        transport.write(b"".join(self._early))
        self._early.clear()
        if self._is_at_end:
            self._send_eof_on()
        self._client.resume_reading()

    @override
    def data_received(self, data: bytes) -> None:
        self._responses.feed(data)
        if self._is_marked:
            self._write_to_mark(self._held + data)
        else:
            self._client.write(data)
        if self._is_at_end:
            self._send_eof_on()

    def _write_to_mark(self, data: bytes) -> None:
        start = data.find(self._MARK)
        if start >= 0:
            self._client.write(data[:start])
            self.client_lost()
            self._close_client()
        else:
            self._held = data[1 - len(self._MARK) :]
            self._client.write(data[: 1 - len(self._MARK)])

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._end_silence()
        if self._is_over:
            return  # the client has gone, or its connection was broken off
        is_reusable = self.is_at_rest and self._responses.keeps_alive and not self._is_at_end
        self._is_over = True
        if is_reusable:
            self._on_loss()
        elif exc is not None and not self._pass_on_last_words():
            self._client.abort()
        else:
            self._close_client()

    def _close_client(self) -> None:
        """Close, once all is sent."""
        if self._requests.is_within and not self._is_at_end:
            self._linger()
        else:
            self._client.close()

    def _pass_on_last_words(self) -> bool:
        """Read what the server sent before it broke the connection off, which is not lost yet."""
        assert self._server is not None
        descriptor = self._server.get_extra_info("socket").fileno()
        has_some = False
        with contextlib.suppress(OSError):  # that is all
            while data := os.read(descriptor, _LAST_BYTES):
                self._client.write(data)
                has_some = True
        return has_some

    def _linger(self) -> None:
        """Close, but read on for a moment: a client that still sends would not see its answer."""
        with contextlib.suppress(OSError):  # it has just gone
            self._client.write_eof()
        self._client.resume_reading()  # nobody else will: what it sends is dropped
        self._loop.call_later(_LINGER_S, self._client.close)

    @override
    def pause_writing(self) -> None:
        self._client.pause_reading()

    @override
    def resume_writing(self) -> None:
        self._client.resume_reading()


class _Messages:
    """Counts the HTTP/1 messages that pass in one direction."""

    def __init__(self) -> None:
        self.ended = 0
        self.is_within = False  # one has begun and not ended
        self.is_known = True  # False: they cannot be told apart
        self._parser: Any

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.is_known:
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # HTTP/2, or nonsense
                self.is_known = False

    # The parser calls what follows.

    def on_message_begin(self) -> None:
        """A message begins."""
        self.is_within = True

    def on_message_complete(self) -> None:
        """It has ended."""
        self.is_within = False
        self.ended += 1


class _Requests(_Messages):
    """Those of a client."""

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpRequestParser(self)

    def on_headers_complete(self) -> None:
        """Give up on a HEAD: its answer names the length of a body that never comes."""
        if self._parser.get_method() == b"HEAD":
            self.is_known = False


class _Responses(_Messages):
    """Those of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps_alive = True  # the last one lets its connection be used again
        self.is_streamed = False  # the last one, of which nobody knew the length
        self._parser = httptools.HttpResponseParser(self)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_streamed = False

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Note how the body comes."""
        self.is_streamed |= name.lower() == b"transfer-encoding"

    @override
    def on_message_complete(self) -> None:
        """Count it, unless it is one like `100 Continue`, which another one follows."""
        self.keeps_alive = self._parser.should_keep_alive()
        if self._parser.get_status_code() >= 200:
            super().on_message_complete()
