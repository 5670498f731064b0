"""Running state machines: what `settle` waits for, and waiting by the emulator's clock."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from emulator.model import Clock
from emulator.observe import Activity

RUNNING: Final = "executions"  # the kind of activity


class Executions:
    """Executions of Step Functions, by ARN.

    Any thread may call. An execution is an activity from its start to its end, but for the time
    in which one of its threads waits for a moment on the clock or for a task token: that may come
    much later. `_lock` guards the tables and is held for a few instructions.
    """

    def __init__(self, activity: Activity, clock: Clock) -> None:
        self._activity = activity
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, Callable[[], None]] = {}  # what stops it
        self._waiting: Counter[str] = Counter()  # threads of an execution that wait
        self._sleepers: set[threading.Event] = set()
        self._is_stopping = False
        clock.on_move(self._wake)

    def begin(self, arn: str, stop: Callable[[], None]) -> None:
        """An execution was started; `stop` has it run no further state."""
        with self._lock:
            self._running[arn] = stop
        self._activity.begin(RUNNING)

    def end(self, arn: str) -> None:
        """It is over."""
        with self._lock:
            was_counted = arn in self._running and not self._waiting[arn]
            self._running.pop(arn, None)
            del self._waiting[arn]
        if was_counted:
            self._activity.end(RUNNING)

    @contextmanager
    def waiting(self, arn: str) -> Iterator[Callable[[], None]]:
        """Not count the execution meanwhile; who wakes it may call what this yields before."""
        self._add_waiting(arn, 1)
        has_resumed = threading.Lock()  # taken by whoever counts it again

        def resume() -> None:
            if has_resumed.acquire(blocking=False):
                self._add_waiting(arn, -1)

        try:
            yield resume
        finally:
            resume()

    def sleep(
        self, arn: str, seconds: float, woken: threading.Event, is_wanted: Callable[[], bool]
    ) -> None:
        """Wait until `seconds` have passed on the clock; `woken` has it look at `is_wanted`."""
        due_s = self._clock.monotonic() + seconds
        with self._lock:
            self._sleepers.add(woken)
        try:
            with self.waiting(arn):
                while True:
                    woken.clear()  # before the look: what sets it from here on is not missed
                    left_s = self._clock.timeout(due_s)
                    if left_s == 0 or not is_wanted() or self._is_stopping:
                        return
                    woken.wait(left_s)
        finally:
            with self._lock:
                self._sleepers.discard(woken)

    def reset(self) -> None:
        """Stop and forget every execution."""
        with self._lock:
            running = dict(self._running)
        for arn, stop in running.items():
            self.end(arn)
            stop()
        self._wake()

    def stop(self) -> None:
        """Wake whoever sleeps."""
        self._is_stopping = True
        self._wake()

    def _add_waiting(self, arn: str, change: int) -> None:
        with self._lock:
            if arn not in self._running:
                return
            before = self._waiting[arn]
            self._waiting[arn] = now = before + change
        if before == 0:
            self._activity.end(RUNNING)
        elif now == 0:
            self._activity.begin(RUNNING)

    def _wake(self) -> None:
        with self._lock:
            sleepers = list(self._sleepers)
        for woken in sleepers:
            woken.set()
