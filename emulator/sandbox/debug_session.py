"""One environment that a debugger may look at: its clock, which stands still meanwhile."""

import contextlib
import os
import threading
import time
from collections.abc import Callable


class DebugSession:
    """What an environment and the debuggers attached to it tell each other.

    Any thread may call. `_lock` guards all fields. `wakeup_fd` becomes readable when the clock
    runs again, so that who waits for a deadline without an end looks at it anew.
    The clock stands still from the launch of a runtime until its debugger listens, too, or until
    one is attached where it `waits` for that.
    on_listening: called with the session, the port and where the runtime sees the function's code
    as soon as a debugger can be let in. on_end: called with the session before its processes end.
    """

    def __init__(
        self,
        *,
        waits: bool,
        on_listening: Callable[["DebugSession", int, str], None],
        on_end: Callable[["DebugSession"], None],
    ) -> None:
        self.waits = waits
        self._on_listening = on_listening
        self._on_end = on_end
        self._lock = threading.Lock()
        self._attached = 0
        self._is_awaited = False
        self._stopped_s: float | None = None  # when the clock was stopped
        self._stood_s = 0.0  # how long it has stood still before that
        self._is_closed = False
        self.wakeup_fd, self._wake_fd = os.pipe()
        os.set_blocking(self.wakeup_fd, False)
        os.set_blocking(self._wake_fd, False)

    def now(self) -> float:
        """Return the seconds of time.monotonic without those in which the clock stood still."""
        with self._lock:
            now = time.monotonic() if self._stopped_s is None else self._stopped_s
            return now - self._stood_s

    @property
    def is_stopped(self) -> bool:
        """True while the clock stands still."""
        return self._stopped_s is not None

    def launched(self) -> None:
        """Take note of a new runtime."""
        with self._lock:
            self._is_awaited = True
            if self._stopped_s is None:
                self._stopped_s = time.monotonic()

    def listens_on(self, port: int, task_root: str) -> None:
        """Take note that the runtime lets debuggers in."""
        if not self.waits:
            self.stop_waiting()
        self._on_listening(self, port, task_root)

    def ends(self) -> None:
        """Say that the runtime is about to end: no debugger is let in any more."""
        self._on_end(self)

    def attach(self) -> None:
        """A debugger is there."""
        with self._lock:
            self._attached += 1
            self._is_awaited = False
            if self._stopped_s is None:
                self._stopped_s = time.monotonic()

    def detach(self) -> None:
        """It is gone."""
        with self._lock:
            self._attached -= 1
            self._go_on()

    def stop_waiting(self) -> None:
        """Nobody waits for a debugger any more."""
        with self._lock:
            self._is_awaited = False
            self._go_on()

    def drain(self) -> None:
        """Read what made `wakeup_fd` readable."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wakeup_fd, 4096)

    def close(self) -> None:
        """Free the descriptors."""
        with self._lock:
            self._is_closed = True
            os.close(self.wakeup_fd)
            os.close(self._wake_fd)

    def _go_on(self) -> None:
        if self._attached or self._is_awaited or self._stopped_s is None:
            return
        self._stood_s += time.monotonic() - self._stopped_s
        self._stopped_s = None
        if not self._is_closed:
            with contextlib.suppress(BlockingIOError):  # full: it is readable already
                os.write(self._wake_fd, b"1")
