"""What a runtime process prints: read from its pipe, cut into log events, sent to the log."""

import os
from collections.abc import Sequence
from typing import Final, Protocol

from emulator.model.invocation import InvocationLog
from emulator.model.readable import Readable
from emulator.observe import LogStream
from emulator.sandbox.log_events import LogEvents
from emulator.sandbox.telemetry import EXTENSION, FUNCTION, Telemetry

_PIPE_BYTES: Final = 65_536


class OutputListener(Protocol):
    """Who shows a function's own output on the terminal."""

    def output(self, function: str, text: str) -> None:
        """Take output as it came."""


class Output:
    """The log of one environment. Used by one thread at a time."""

    def __init__(
        self, stream: LogStream, function: str, listener: OutputListener, telemetry: Telemetry
    ) -> None:
        self._telemetry = telemetry
        self._stream = stream
        self._function = function
        self._listener = listener
        self._fd: int | None = None
        self._events = LogEvents()
        self._held: list[tuple[int, str]] = []  # lines that go to the log with the next ones
        self.log = InvocationLog()  # of the invocation that runs

    def attach(self, fd: int) -> None:
        """Read from now on from `fd`, which does not block."""
        self._fd = fd
        self._events = LogEvents()
        self._has_unread = Readable(fd)

    def catch_up(self) -> None:
        """Take over what the process has printed up to now, if it has printed anything."""
        if self._fd is not None and self._has_unread:
            self.pull()

    def pull(self) -> bool:
        """Take over what the process has printed up to now, but for a line still open.

        Returns False once nobody can print any more.
        """
        if self._fd is None:
            return False
        # All that a pipe holds, and no more: a process that prints faster than this reads would
        # keep the caller here for ever, past the function's timeout.
        try:
            data = os.read(self._fd, _PIPE_BYTES)
        except BlockingIOError:
            return True
        if not data:
            self._fd = None
            return False
        events, shown = self._events.feed(data)
        self._listener.output(self._function, shown.decode("utf-8", "replace"))
        self._add(events, FUNCTION)
        return True

    def end_line(self) -> None:
        """End the line that is still open: the invocation is over."""
        if events := self._events.end():
            self._add(events, FUNCTION)

    def now_ms(self) -> int:
        """The time of a line that is written now, in milliseconds since the epoch."""
        return self._stream.now_ms()

    def platform(self, *lines: str) -> None:
        """Add lines of the platform's own."""
        self.hold(*lines)
        self.release()

    def hold(self, *lines: str) -> None:
        """Add lines that may wait for the next one: one write to the log costs less than three."""
        now_ms = self._stream.now_ms()
        self._held += [(now_ms, line) for line in lines]
        self.log.add([line.encode() for line in lines])

    def release(self) -> None:
        """Write out what is held: the next line may be far away."""
        if self._held:
            self._stream.write_all(self._held)
            self._held = []

    def extension(self, events: Sequence[bytes], shown: bytes = b"") -> None:
        """Add what an external extension has printed: as log events, and as a terminal shows it."""
        if shown:
            self._listener.output(self._function, shown.decode("utf-8", "replace"))
        self._add(events, EXTENSION)

    def end(self) -> None:
        """End the log of an invocation: who watches the log group gets its lines now."""
        self._stream.flush()
        self.log = InvocationLog()

    def _add(self, events: Sequence[bytes], kind: str) -> None:
        now_ms = self._stream.now_ms()
        texts = [event.decode("utf-8", "replace") for event in events]
        self._held += [(now_ms, text) for text in texts]
        self.log.add(events)
        if self._telemetry.wants_logs:
            for text in texts:
                self._telemetry.log(kind, text)
        self.release()
