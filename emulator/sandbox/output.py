"""What a runtime process prints: read from its pipe, cut into lines, sent to the log."""

import os
from collections import deque
from typing import Final, Protocol

from emulator.observe import KEPT_LOG_BYTES, LogStream

_PIPE_BYTES: Final = 65_536
_LONGEST_LINE: Final = 262_144  # CloudWatch's largest log event; longer lines are cut into such


class OutputListener(Protocol):
    """Who shows a function's own output on the terminal."""

    def output(self, function: str, text: str) -> None:
        """Take output as it came."""


class Output:
    """The log of one environment. Used by one thread at a time."""

    def __init__(self, stream: LogStream, function: str, listener: OutputListener) -> None:
        self._stream = stream
        self._function = function
        self._listener = listener
        self._fd: int | None = None
        self._rest = b""  # a line that has not ended yet
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0

    def attach(self, fd: int) -> None:
        """Read from now on from `fd`, which does not block."""
        self._fd = fd
        self._rest = b""

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
        self._listener.output(self._function, data.decode("utf-8", "replace"))
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._add(line)
        if len(self._rest) > _LONGEST_LINE:
            self.end_line()
        return True

    def end_line(self) -> None:
        """End the line that is still open: the invocation is over."""
        if self._rest:
            self._add(self._rest)
            self._rest = b""

    def platform(self, line: str) -> None:
        """Add a line of the platform's own."""
        self._stream.write(line)
        self._keep(line.encode())

    def take(self) -> bytes:
        """Hand over what was logged since the last time, newest `KEPT_LOG_BYTES`, and forget it.

        An invocation is over: who watches the log group gets its lines now.
        """
        self._stream.flush()
        text = b"\n".join(self._kept)
        self._kept.clear()
        self._kept_bytes = 0
        return text + b"\n" if text else b""

    def _add(self, line: bytes) -> None:
        self._stream.write(line.decode("utf-8", "replace"))
        self._keep(line)

    def _keep(self, line: bytes) -> None:
        self._kept.append(line)
        self._kept_bytes += len(line) + 1
        while self._kept_bytes > KEPT_LOG_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popleft()) + 1
