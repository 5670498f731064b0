"""The one source of time for everything that waits, retries or expires.

Durations of invocations and function timeouts are physical (`time.monotonic`): a process that
runs cannot be moved to another time, so they do not obey `advance` and `freeze`.
"""

import threading
import time
from collections.abc import Callable


class Clock:
    """Wall-clock and monotonic time that a test or a developer may advance or freeze.

    Any thread may call. `_lock` guards the offset and the frozen reading; the listeners are
    called outside it.
    """

    def __init__(self, *, ahead_s: float = 0.0, frozen_at: float | None = None) -> None:
        """Begin `ahead_s` after the machine's time, or stand still where `now` is `frozen_at`.

        `monotonic` begins with the machine's reading in any case.
        """
        self._lock = threading.Lock()
        self._offset_s = 0.0
        self._frozen_at: float | None = None  # a reading of time.monotonic()
        self._listeners: list[Callable[[], None]] = []
        reading, machine_now = time.monotonic(), time.time()
        if frozen_at is not None:
            self._frozen_at, ahead_s = reading, frozen_at - machine_now
        self._began_ahead_s = ahead_s
        self._epoch_s = machine_now + ahead_s - reading

    def monotonic(self) -> float:
        """Seconds on a scale that only moves forward; `advance` moves it, `freeze` stops it."""
        reading = self._frozen_at
        return (time.monotonic() if reading is None else reading) + self._offset_s

    def now(self) -> float:
        """Seconds since the epoch, moved by `advance` and stopped by `freeze`."""
        reading = self._frozen_at  # `monotonic`, without its call: asked for seven times a request
        return (time.monotonic() if reading is None else reading) + self._offset_s + self._epoch_s

    def machine_now(self) -> float:
        """Seconds since the epoch as the machine has it, which clients sign requests with."""
        return time.time()

    @property
    def ahead_s(self) -> float:
        """How far it has been moved from the machine's time; below 0 after it stood still."""
        return self._began_ahead_s + self._offset_s

    def due_at(self, at_s: float) -> float:
        """What `monotonic` reads when `now` reads `at_s`."""
        return at_s - self._epoch_s

    @property
    def is_frozen(self) -> bool:
        """True while time stands still but for `advance`."""
        return self._frozen_at is not None

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds` (0 or more) and wake whoever waits for a due time."""
        if seconds < 0:
            raise ValueError(f"time cannot go back: advance({seconds})")
        with self._lock:
            self._offset_s += seconds
        self._tell()

    def freeze(self, frozen: bool) -> None:
        """Stop time, or let it run on from where it stands."""
        with self._lock:
            if frozen and self._frozen_at is None:
                self._frozen_at = time.monotonic()
            elif not frozen and self._frozen_at is not None:
                self._offset_s -= time.monotonic() - self._frozen_at
                self._frozen_at = None
        self._tell()

    def timeout(self, due_s: float | None) -> float | None:
        """Real seconds to wait until `due_s` on `monotonic`; None means until woken."""
        if due_s is None:
            return None
        left = due_s - self.monotonic()
        if left <= 0:
            return 0.0
        # A thread that is to wait longer (292 years) raises an error instead.
        return None if self.is_frozen else min(left, threading.TIMEOUT_MAX)

    def on_move(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every `advance` and `freeze`, on the thread that moved time."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
