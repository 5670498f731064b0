"""Calls back when its time on the clock has come: schedules, windows, retries, expiry."""

import heapq
import threading
import traceback
from collections.abc import Callable
from itertools import count
from typing import Final

from emulator.model import Clock
from emulator.observe import Reporter

_ROUNDING_S: Final = 1e-6  # of sums of seconds: a frozen clock never gets past it by itself
_JOIN_S: Final = 1.0
_SWEEP: Final = 100  # cancelled alarms that are not worth it


class Alarm:
    """One call to come; `cancel` by whoever set it."""

    __slots__ = ("_on_cancel", "ring")

    def __init__(
        self, ring: Callable[[], None], on_cancel: Callable[[], None] = lambda: None
    ) -> None:
        self.ring: Callable[[], None] | None = ring
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """Do not ring, unless it is ringing already."""
        if self.ring is not None:
            self.ring = None
            self._on_cancel()


class Alarms:
    """All alarms of the event sources, one thread for all of them.

    Any thread may call. `_lock` guards the heap; it is swept when half of it may be cancelled, as
    what is due in a year would stay until then. Alarms ring outside it, one at a time
    (`_ringing`), on the thread "alarms" or on the one that moved the clock: whoever moved it finds
    rung what was due when it returns. So what rings only starts the work, and begins its activity
    before it returns.
    """

    def __init__(self, clock: Clock, reporter: Reporter) -> None:
        self._clock = clock
        self._reporter = reporter
        self._lock = threading.Lock()
        self._ringing = threading.RLock()  # an alarm may set the clock, which rings again
        self._has_changed = threading.Condition(self._lock)
        self._heap: list[tuple[float, int, Alarm]] = []
        self._tie_breaker = count()
        self._cancelled = 0  # since the last sweep
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()
        clock.on_move(self._ring_due)

    def set(self, due_s: float, ring: Callable[[], None]) -> Alarm:
        """Call `ring` once when `Clock.monotonic` reaches `due_s`; at once if it has."""
        alarm = Alarm(ring, self._on_cancel)
        with self._lock:
            heapq.heappush(self._heap, (due_s, next(self._tie_breaker), alarm))
            if self._heap[0][2] is alarm:
                self._has_changed.notify()
        return alarm

    def count(self) -> int:
        """Alarms that are set, and those that were cancelled since the last sweep."""
        return len(self._heap)

    def stop(self) -> None:
        """Ring no more."""
        with self._lock:
            self._is_stopping = True
            self._has_changed.notify()
        self._thread.join(_JOIN_S)

    def _on_cancel(self) -> None:
        with self._lock:
            self._cancelled += 1
            if self._cancelled > max(_SWEEP, len(self._heap) // 2):
                self._heap = [entry for entry in self._heap if entry[2].ring is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._is_stopping:
                    return
                due_s = self._heap[0][0] if self._heap else None
                self._has_changed.wait(self._clock.timeout(due_s))
            self._ring_due()

    def _ring_due(self) -> None:
        with self._ringing:
            while (alarm := self._next_due()) is not None:
                if alarm.ring is not None:
                    self._ring(alarm.ring)

    def _ring(self, ring: Callable[[], None]) -> None:
        try:
            ring()
        except Exception:  # noqa: BLE001  # a bug of ours: the other alarms must ring
            self._reporter.event("alarm.failed", traceback=traceback.format_exc())

    def _next_due(self) -> Alarm | None:
        with self._lock:
            self._has_changed.notify()  # time moved: the pause is another one
            now_s = self._clock.monotonic() + _ROUNDING_S
            if self._is_stopping or not self._heap or self._heap[0][0] > now_s:
                return None
            return heapq.heappop(self._heap)[2]
