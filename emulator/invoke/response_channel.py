"""A response on its way from the environment's thread to a caller who reads along."""

import socket
import threading
from collections.abc import Iterator
from typing import Final

from emulator.model import InvocationResult, LambdaError

CAPACITY_BYTES: Final = 1_048_576  # more than that, and the function waits for its reader
WHOLE_TYPE: Final = "application/json"  # of an answer that was not streamed


class ResponseChannel:
    """What a function streams, a few pieces at most.

    `begin`, `write`, `fileno`, `resume`, `finish` and `fail` belong to the thread that drives the
    environment, the others to the caller's. `_changed` guards everything; nobody holds it for long.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._content_type: str | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._end: InvocationResult | LambdaError | None = None
        self._is_abandoned = False
        self._bell: tuple[socket.socket, socket.socket] | None = None  # made when first full
        self._is_full = False

    # The environment's side.

    def begin(self, content_type: str) -> None:
        """Note that the runtime has begun to answer."""
        with self._changed:
            self._content_type = content_type
            self._changed.notify_all()

    def write(self, data: bytes) -> bool:
        """Take the next bytes; False: no more, please, until `fileno` becomes readable."""
        with self._changed:
            if self._is_abandoned or not data:
                return True  # the function is not disturbed: it may write to nobody
            self._pieces.append(data)
            self._size += len(data)
            self._changed.notify_all()
            if self._size < CAPACITY_BYTES:
                return True
            self._bell = self._bell or socket.socketpair()
            self._is_full = True
            return False

    def fileno(self) -> int:
        """Descriptor that becomes readable when there is room again; only after a full `write`."""
        assert self._bell is not None
        return self._bell[0].fileno()

    def resume(self) -> None:
        """Notice that `fileno` became readable."""
        assert self._bell is not None
        self._bell[0].recv(1)

    def finish(self, result: InvocationResult) -> None:
        """End with what came of the invocation; an answer that was not streamed follows whole."""
        if self._content_type is None and result.function_error is None:
            self.begin(WHOLE_TYPE)
            self.write(result.payload)
        self._close(result)

    def fail(self, error: LambdaError) -> None:
        """End with the reason why nothing ran."""
        self._close(error)

    def _close(self, end: InvocationResult | LambdaError) -> None:
        with self._changed:
            self._end = end
            bell, self._bell = self._bell, None
            self._changed.notify_all()
        for side in bell or ():
            side.close()

    # The caller's side.

    def wait_begun(self) -> None:
        """Wait until the response has begun, or it is sure that none will; raises LambdaError."""
        with self._changed:
            self._changed.wait_for(lambda: self._content_type is not None or self._end is not None)
            if isinstance(self._end, LambdaError):
                raise self._end

    @property
    def content_type(self) -> str | None:
        """What the runtime says it streams; None: the function failed before its first byte."""
        return self._content_type

    @property
    def result(self) -> InvocationResult:
        """What came of the invocation, once all was read."""
        assert isinstance(self._end, InvocationResult)
        return self._end

    def __iter__(self) -> Iterator[bytes]:
        """What was written since, again and again until the end."""
        while data := self._take():
            yield data

    def abandon(self) -> None:
        """Read no more: the client has gone, and the function runs on without it."""
        with self._changed:
            self._is_abandoned = True
            self._pieces.clear()
            self._ring()

    def _take(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._end is not None)
            pieces, self._pieces = self._pieces, []
            self._size = 0
            self._ring()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _ring(self) -> None:
        if self._is_full and self._bell is not None:
            self._is_full = False
            self._bell[1].send(b"x")
