"""What moto does on threads of its own: counted for `settle`, waiting by the emulator's clock."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulator.model import Clock
from emulator.observe import Activity


class BackgroundWork:
    """Executions of state machines, or changes of stacks, by ARN.

    Any thread may call. Each is an activity of `kind` from its start to its end, but for the time
    in which one of its threads waits for a moment on the clock or for somebody's answer: that may
    come much later. `_lock` guards the tables and is held for a few instructions.
    """

    def __init__(self, kind: str, activity: Activity, clock: Clock) -> None:
        self._kind = kind
        self._activity = activity
        self._clock = clock
        self._lock = threading.Lock()
        self._has_ended = threading.Condition(self._lock)
        self._running: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}
        self._waiting: Counter[str] = Counter()  # threads of an execution that wait
        # When it is due, whether it is still wanted, and what counts it again.
        self._sleepers: dict[
            threading.Event, tuple[float, Callable[[], bool], Callable[[], None]]
        ] = {}
        self._is_stopping = False
        self._is_left_alone = False
        clock.on_move(self.wake)

    def begin(
        self, arn: str, stop: Callable[[], None], join: Callable[[], None] = lambda: None
    ) -> None:
        """It was started; `stop` has it take no further step, `join` waits for the last one."""
        with self._lock:
            self._running[arn] = stop, join
        self._activity.begin(self._kind)

    def end(self, arn: str) -> None:
        """It is over."""
        with self._lock:
            was_counted = arn in self._running and not self._waiting[arn]
            self._running.pop(arn, None)
            del self._waiting[arn]
            self._has_ended.notify_all()
        if was_counted:
            self._activity.end(self._kind)

    def wait_for_end(self, timeout_s: float) -> bool:
        """Wait until none of them is under way, also none that waits; False: it took too long."""
        with self._lock:
            return self._has_ended.wait_for(
                lambda: not self._running or self._is_left_alone, timeout_s
            )

    def leave_alone(self) -> None:
        """Have nobody wait in `wait_for_end` from now on."""
        with self._lock:
            self._is_left_alone = True
            self._has_ended.notify_all()

    @contextmanager
    def waiting(self, arn: str) -> Iterator[Callable[[], None]]:
        """Not count it meanwhile; who wakes it may call what this yields before."""
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
        """Wait, not counted meanwhile, until `seconds` have passed on the clock.

        woken: set by whoever wants this thread to look at `is_wanted` again.
        """
        with self.waiting(arn) as resume:
            self.wait(seconds, woken, is_wanted, resume)

    def wait(
        self,
        seconds: float,
        woken: threading.Event,
        is_wanted: Callable[[], bool],
        resume: Callable[[], None],
    ) -> None:
        """The same for a thread that is not counted already; `resume` counts it again."""
        due_s = self._clock.monotonic() + seconds
        with self._lock:
            self._sleepers[woken] = (due_s, is_wanted, resume)
        try:
            while True:
                woken.clear()  # before the look: what sets it from here on is not missed
                left_s = self._clock.timeout(due_s)
                if left_s == 0 or not is_wanted() or self._is_stopping:
                    return
                woken.wait(left_s)
        finally:
            with self._lock:
                del self._sleepers[woken]

    def reset(self) -> None:
        """Stop and forget all of it, and wait until what must be over is."""
        with self._lock:
            running = dict(self._running)
        for arn, (stop, _) in running.items():
            self.end(arn)
            stop()
        self.wake()
        for _, join in running.values():
            join()

    def stop(self) -> None:
        """Wake whoever sleeps."""
        self._is_stopping = True
        self.wake()

    def _add_waiting(self, arn: str, change: int) -> None:
        with self._lock:
            if arn not in self._running:
                return
            before = self._waiting[arn]
            self._waiting[arn] = now = before + change
        if before == 0:
            self._activity.end(self._kind)
        elif now == 0:
            self._activity.begin(self._kind)

    def wake(self) -> None:
        """Have whoever sleeps look whether it is still wanted."""
        now_s = self._clock.monotonic()
        with self._lock:
            sleepers = list(self._sleepers.items())
        for woken, (due_s, is_wanted, resume) in sleepers:
            if due_s <= now_s or not is_wanted():
                resume()  # here: who woke it may ask right away whether all is done
            woken.set()
