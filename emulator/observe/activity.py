"""Who is busy: what `settle` waits for."""

import threading
from types import TracebackType

from emulator.model import Clock


class Activity:
    """Counts of what is running or due, by kind ("invocations", "events due", "facts", …).

    Any thread may call. `_lock` guards the counts and is held for a few instructions. Work that
    is handed from one kind to another begins the new kind before it ends the old one, so a total
    of zero means that nothing is left.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._has_ended = threading.Condition(self._lock)  # the last of a kind
        self._counts: dict[str, int] = {}
        self._total = 0
        self._waiters = 0
        self._idle_moments = 0

    def begin(self, kind: str) -> None:
        """One more of `kind` is running or due."""
        with self._lock:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._total += 1

    def end(self, kind: str) -> None:
        """One of `kind` is over; raises ValueError when none had begun (our bug)."""
        with self._lock:
            count = self._counts.get(kind, 0)
            if count == 0:
                raise ValueError(f"no activity of kind {kind!r} has begun")
            self._counts[kind] = count - 1
            self._total -= 1
            if self._total == 0:
                self._idle_moments += 1
            if count == 1 and self._waiters:
                self._has_ended.notify_all()

    def busy(self, kind: str) -> "Busy":
        """Context manager: `begin` on entry, `end` on exit."""
        return Busy(self, kind)

    def pending(self) -> dict[str, int]:
        """What is not over, by kind; kinds with nothing pending are left out."""
        with self._lock:
            return {kind: count for kind, count in self._counts.items() if count}

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` real seconds for a moment without activity; False: none came."""
        with self._lock:
            before = self._idle_moments
            self._waiters += 1
            try:
                # A moment counts even when work began again before this thread woke up.
                return self._has_ended.wait_for(
                    lambda: self._total == 0 or self._idle_moments != before, timeout_s
                )
            finally:
                self._waiters -= 1

    def wait_none(self, kind: str, timeout_s: float) -> bool:
        """Wait up to `timeout_s` real seconds until nothing of `kind` is left; False: some is."""
        with self._lock:
            self._waiters += 1
            try:
                return self._has_ended.wait_for(lambda: not self._counts.get(kind), timeout_s)
            finally:
                self._waiters -= 1


class Busy:
    """One thing under way, from entry to exit."""

    __slots__ = ("_activity", "_kind")

    def __init__(self, activity: Activity, kind: str) -> None:
        self._activity = activity
        self._kind = kind

    def __enter__(self) -> None:
        self._activity.begin(self._kind)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._activity.end(self._kind)
