"""A response that a runtime streams: received in pieces, counted, limited, handed on."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from emulator.model.limits import STREAMED_RESPONSE_BYTES, SYNC_RESPONSE_BYTES
from emulator.observe import KEPT_PAYLOAD_BYTES

if TYPE_CHECKING:
    from emulator.runtime_api.rules import Reply

DEFAULT_TYPE: Final = "application/octet-stream"


class ResponseSink(Protocol):
    """Who takes a response while it is written; the thread that holds the environment calls."""

    def begin(self, content_type: str) -> None:
        """The runtime has begun to answer."""

    def write(self, data: bytes) -> bool:
        """Take the next bytes; False: no more, please, until `fileno` becomes readable."""

    def fileno(self) -> int:
        """Descriptor to wait on after `write` said False."""

    def resume(self) -> None:
        """Notice that `fileno` became readable."""


class OpenBody:
    """The body of a request that is handed over while the body still comes."""

    __slots__ = ("is_begun", "pieces", "refusal", "trailers")

    def __init__(self) -> None:
        self.pieces: deque[bytes] = deque()
        self.trailers: Mapping[str, str] | None = None  # None: it has not ended
        self.is_begun = False
        self.refusal: Reply | None = None  # to be sent when the body has ended


class ResponseStream:
    """What the runtime has streamed of one response.

    A caller that reads along has a sink, and of what goes there only the beginning is kept, for
    the record. For the others all is collected.
    """

    def __init__(self, sink: ResponseSink | None, content_type: str | None) -> None:
        self.size = 0
        self._sink = sink
        self._limit = SYNC_RESPONSE_BYTES if sink is None else STREAMED_RESPONSE_BYTES
        self._keeps = SYNC_RESPONSE_BYTES if sink is None else KEPT_PAYLOAD_BYTES
        self._kept = bytearray()
        if sink is not None:
            sink.begin(content_type or DEFAULT_TYPE)

    @property
    def is_too_large(self) -> bool:
        """True once there was more than a caller may get."""
        return self.size > self._limit

    @property
    def limit(self) -> int:
        """How many bytes its caller may get."""
        return self._limit

    @property
    def kept(self) -> bytes:
        """The whole response, or the beginning of one that went to a sink."""
        return bytes(self._kept)

    @property
    def streamed_bytes(self) -> int | None:
        """How much went to the sink; None where there is none."""
        return None if self._sink is None else self.size

    def forget_reader(self) -> None:
        """Hand on no more."""
        self._sink = None

    def write(self, data: bytes) -> bool:
        """Take the next bytes; False: let the runtime wait until the sink has room."""
        left = self._limit - self.size
        self.size += len(data)
        if left <= 0:
            return True  # it is over; the runtime may say what it likes
        if len(data) > left:
            data = data[:left]
        if (room := self._keeps - len(self._kept)) > 0:
            self._kept += data[:room]
        return self._sink is None or self._sink.write(data)
