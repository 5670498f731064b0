"""One connection of a client: its plain Invokes are answered here, anything else is relayed."""

import asyncio
import io
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from emulator.api.answer import Answer as ApiAnswer
from emulator.gateway.exchange import INTERNAL_ERROR
from emulator.gateway.plain_invoke import PlainInvoke, Verdict, plain_invoke
from emulator.gateway.relay import Relay
from emulator.gateway.router import Answer

if TYPE_CHECKING:
    from emulator.gateway.front import Front

log = logging.getLogger("emulator.gateway")

IDLE_CONNECTION_S: Final = 600.0
MOST_UNREAD_BYTES: Final = 524_288  # of what comes while nothing of it can be begun

_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each.value} {each.phrase}" for each in HTTPStatus}
_FAILED: Final = ApiAnswer(
    500,
    [("Content-Type", "application/json"), ("Content-Length", str(len(INTERNAL_ERROR)))],
    INTERNAL_ERROR,
)


class Client(asyncio.Protocol):
    """On the loop's thread. One request at a time: answers come in the order of the requests."""

    _transport: asyncio.Transport
    _expiry: asyncio.TimerHandle

    def __init__(self, front: "Front") -> None:
        self._front = front
        self._unread: bytes | bytearray = b""
        self._begun: PlainInvoke | None = None  # at the beginning of that
        self._is_busy = False  # the answer to an Invoke is being made
        self._is_full = False  # the client does not read its answers
        self._is_at_end = False  # the client sends no more
        self._relay: Relay | None = None
        self._is_unused = False  # since the last look

    def _serve(self) -> None:
        """Begin the next of the requests that came."""
        try:
            self._begin_next()
        except Exception:  # a bug of ours; this client is not left without an answer
            log.exception("request.failed")
            self.abort()

    def _begin_next(self) -> None:
        if self._is_busy or self._is_full or self._is_relaying or not self._unread:
            return
        found = self._begun or plain_invoke(self._unread)
        if found is Verdict.OTHER:
            self._hand_over()
        elif isinstance(found, PlainInvoke):
            self._begun = found
            if len(self._unread) >= found.end:
                self._invoke(found)
                return
        self._read_on()

    def _read_on(self) -> None:
        """Read the rest of a request, however long: that it is there is what is waited for."""
        if self._is_at_end and self._unread:
            self._transport.close()  # there is no rest
        elif not self._is_relaying:  # else the relay says when
            self._transport.resume_reading()

    def _invoke(self, found: PlainInvoke) -> None:
        environ = found.environ
        environ["wsgi.input"] = io.BytesIO(bytes(self._unread[found.start : found.end]))
        steps = self._front.steps(environ)
        if steps is None:
            self._hand_over()
            return
        if len(self._unread) == found.end:
            self._unread = b""
            self._transport.resume_reading()  # it is paused where so much came meanwhile
        else:
            if isinstance(self._unread, bytes):
                self._unread = bytearray(self._unread)
            del self._unread[: found.end]
        self._begun = None
        self._is_busy = True
        self._front.calls.run(steps, self._answer)

    def close_if_idle(self) -> None:
        """Close a connection on which nothing is under way."""
        if not (self._is_busy or self._is_relaying or self._unread):
            self._transport.close()

    def abort(self) -> None:
        """Close it, whatever is under way."""
        self._transport.abort()

    def _answer(self, answer: Answer | None) -> None:
        self._is_busy = False
        self._is_unused = False
        self._transport.write(_bytes(answer or _FAILED, self._front.date()))
        if self._unread:
            self._front.loop.call_soon(self._serve)
        elif self._is_at_end or self._front.is_stopping:
            self._transport.close()

    def _hand_over(self) -> None:
        data, self._unread, self._begun = bytes(self._unread), b"", None
        self._transport.resume_reading()  # from here on the relay says when
        if self._relay is None:
            self._relay = Relay(self._transport, self._forget_relay)
            self._relay.connect(self._front.loop, self._front.backend)
        self._relay.send(data)
        if self._is_at_end:
            self._relay.send_eof()

    def _forget_relay(self) -> None:
        self._relay = None
        if self._front.is_stopping:
            self.close_if_idle()

    @property
    def _is_relaying(self) -> bool:
        return self._relay is not None and not self._relay.is_at_rest

    def _expire(self) -> None:
        """Close a connection that nobody has used since the last look."""
        is_in_use = self._is_busy or self._is_relaying
        if self._is_unused and not is_in_use:
            self._transport.close()
            return
        self._is_unused = not is_in_use
        self._expiry = self._front.loop.call_later(IDLE_CONNECTION_S, self._expire)

    # The loop calls what follows.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._front.came(self)
        self._expire()

    @override
    def data_received(self, data: bytes) -> None:
        if self._relay is not None and not self._relay.is_at_rest:
            self._relay.send(data)
            return
        self._is_unused = False
        if not self._unread:
            self._unread = data
        elif isinstance(self._unread, bytearray):
            self._unread += data
        else:
            self._unread = bytearray(self._unread) + data
        if not (self._is_busy or self._is_full):
            self._serve()
        elif len(self._unread) > MOST_UNREAD_BYTES:
            self._transport.pause_reading()

    @override
    def eof_received(self) -> bool:
        self._is_at_end = True
        if self._relay is not None and self._is_relaying:
            self._relay.send_eof()
            return True  # its answers are still to be sent
        if self._unread and not self._is_busy:
            self._serve()  # a whole request waits for its turn, or none comes any more
        return self._is_busy or self._is_relaying or bool(self._unread)

    @override
    def pause_writing(self) -> None:
        self._is_full = True
        if self._relay is not None:
            self._relay.pause()

    @override
    def resume_writing(self) -> None:
        self._is_full = False
        if self._relay is not None:
            self._relay.resume()
        self._serve()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._expiry.cancel()  # it would keep all of this for as long as it has to go
        self._front.went(self)
        self._unread = b""
        if self._relay is not None:
            self._relay.client_lost()


def _bytes(answer: Answer, date: str) -> bytes:
    lines = map(": ".join, answer.headers)
    head = "\r\n".join([_STATUS_LINES[answer.status], *lines, f"Date: {date}", "", ""])
    return head.encode("latin-1", "replace") + answer.body
