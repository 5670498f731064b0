"""Environments of one function version: lend, take back, start more when all are busy."""

import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from typing_extensions import override

from emulator.model.steps import Promise, Steps
from emulator.sandbox.environment import Environment
from emulator.sandbox.freezing import Freezer

# How long a caller hopes for a busy environment to come back before it has another started:
# longer than a short handler takes, shorter than a cold start.
GRACE_S: Final = 0.004

# Runtimes compete for the processors: a handler that takes less than this is sooner done by one
# of the busy environments than by one more. Measured: docs/benchmarks.md.
QUICK_S: Final = 0.002
CROWD: Final = 2 * (os.cpu_count() or 1)

_Lent = Environment | BaseException


class Waiter(Promise):
    """A caller who waits for an environment, on its thread or in the event loop.

    One thread puts an environment there, or why there is none; one takes it.
    """

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self._lent: queue.SimpleQueue[_Lent] = queue.SimpleQueue()
        self._tell: Callable[[], None] | None = None

    @property
    def is_empty(self) -> bool:
        """True while nothing is there."""
        return self._lent.empty()

    def put(self, lent: _Lent) -> None:
        """End the wait."""
        self._lent.put(lent)
        if self._tell is not None:
            self._tell()

    @override
    def when_there(self, tell: Callable[[], None]) -> None:
        self._tell = tell  # first this, then the look: `put` does it in the other order
        if not self.is_empty:
            tell()

    def get(self) -> Environment | None:
        """Wait until `until_s`; None: nothing came. Raises what was put there instead."""
        left_s = None
        if self.until_s != math.inf:
            left_s = max(0.0, self.until_s - time.monotonic())
        try:
            lent = self._lent.get(timeout=left_s)
        except queue.Empty:
            return None
        if isinstance(lent, BaseException):
            raise lent
        return lent


class EnvironmentPool:
    """Environments of one function version, lent to one invoke at a time.

    Any thread may call. `_lock` guards the fields below it and nothing else; it is never held
    while an environment starts, stops or answers, so a slow init delays only who waits for it.
    A caller that finds none idle gets whichever is first: one that comes back or a new one.
    """

    def __init__(
        self,
        create: Callable[[], Environment],
        destroy: Callable[[Environment], None],
        in_background: Callable[[Callable[[], None]], object],
        freezer: Freezer | None = None,
        limit: int | None = None,
    ) -> None:
        """Create an empty pool; limit: the most environments that it starts, None: any number."""
        self._create = create
        self._destroy = destroy
        self._in_background = in_background
        self._freezer = freezer
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: deque[Environment] = deque()  # the most recently used last
        self._waiters: deque[Waiter] = deque()
        self._busy = 0
        self._starting = 0
        self._typical_s = 1.0  # how long an invocation takes where it has the processors
        self._is_retired = False
        self._has_provisioned = False

    def lend(self) -> Steps[Environment]:
        """Hand out an environment, which the caller gives back; waits for one.

        Raises what starting one raised when none could be started.
        """
        with self._lock:
            if self._idle and not self._is_crowded():
                return self._take_idle()
            waiter = Waiter(time.monotonic() + self._grace_s())
            self._waiters.append(waiter)
            is_hopeful = self._busy > 0
        if is_hopeful:
            yield waiter
            if (lent := waiter.get()) is not None:
                return lent
            with self._lock:
                if self._idle and waiter in self._waiters:
                    self._waiters.remove(waiter)
                    return self._take_idle()
        waiter.until_s = math.inf
        if waiter.is_empty:
            self._start_another()
        yield waiter
        lent = waiter.get()
        assert lent is not None
        return lent

    def give_back(self, environment: Environment, ran_s: float) -> bool:
        """Take an environment back that ran for `ran_s`.

        Returns False when the pool is retired, and the caller stops it.
        """
        with self._lock:
            self._busy -= 1
            # Down at once and up slowly: what makes a handler slow are mostly the others.
            self._typical_s = min(ran_s, self._typical_s + (ran_s - self._typical_s) / 64)
            return self._offer(environment)

    def discard(self) -> None:
        """Forget an environment that was lent and will not come back."""
        with self._lock:
            self._busy -= 1
            is_wanted = bool(self._waiters)
        if is_wanted:
            self._start_another()

    def add(self, environment: Environment) -> bool:
        """Take in an environment that was started elsewhere; False as in `give_back`."""
        with self._lock:
            self._has_provisioned |= environment.is_provisioned
            return self._offer(environment)

    def dismiss(self, environments: Sequence[Environment]) -> list[Environment]:
        """Have these be ordinary ones; returns those that are idle, for the caller to stop."""
        with self._lock:
            for item in environments:
                item.is_provisioned = False
            idle = [item for item in environments if item in self._idle]
            for item in idle:
                self._idle.remove(item)
                item.rest.is_idle = False
        return idle

    def start_first(self) -> None:
        """Have an environment started, unless there is one."""
        with self._lock:
            if self._idle or self._busy or self._starting:
                return
            self._starting += 1
        self._in_background(self._start)

    def retire(self) -> list[Environment]:
        """Lend no longer than what waits already; return the idle ones, for the caller to stop."""
        with self._lock:
            self._is_retired = True
            idle, self._idle = list(self._idle), deque()
            for item in idle:
                item.rest.is_idle = False
        return idle

    def take_unused(self, since_s: float, crowd_since_s: float) -> list[Environment]:
        """Take out those that were last used before `since_s`, for the caller to stop.

        crowd_since_s: the same for those beyond what the processors can run at a time.
        """
        with self._lock:
            crowd = len(self._idle) - CROWD
            unused = [
                item
                for number, item in enumerate(self._idle)
                if item.idle_since_s < (crowd_since_s if number < crowd else since_s)
                and not item.is_kept
            ]
            for item in unused:
                self._idle.remove(item)
                item.rest.is_idle = False
        return unused

    def is_empty(self) -> bool:
        """Tell whether there is no environment, and nobody waits for one."""
        with self._lock:
            return not (self._idle or self._busy or self._starting or self._waiters)

    def _grace_s(self) -> float:
        if not self._is_crowded():
            return GRACE_S
        return GRACE_S + len(self._waiters) * QUICK_S / CROWD  # the queue moves that fast

    def _is_crowded(self) -> bool:
        return self._busy >= CROWD and self._typical_s < QUICK_S

    def _take_idle(self) -> Environment:
        self._busy += 1
        # Newest first: its caches are warm, and the others idle long enough to retire.
        environment = self._idle.pop()
        if self._has_provisioned and not environment.is_provisioned:  # those come first
            first = next((item for item in self._idle if item.is_provisioned), environment)
            if first is not environment:
                self._idle.remove(first)
                self._idle.append(environment)
                environment = first
        environment.rest.is_idle = False
        return environment

    def _offer(self, environment: Environment) -> bool:
        environment.idle_since_s = now = time.monotonic()
        if self._waiters:
            self._busy += 1
            self._waiters.popleft().put(environment)
            return True
        if self._is_retired:
            return False
        if not environment.rest.begin(now) and self._freezer is not None:
            self._freezer.watch(environment.rest)
        if environment.is_warm:
            self._idle.append(environment)
        else:  # one that would first have to initialise is the last choice
            self._idle.appendleft(environment)
        return True

    def _start_another(self) -> None:
        with self._lock:
            if self._starting >= len(self._waiters):
                return  # who waits will be served by those that start already
            if self._limit is not None and self._starting + self._busy >= self._limit:
                return  # or by those that run, when no more may start
            self._starting += 1
        self._in_background(self._start)

    def _drop_late_start(self) -> bool:
        """Give a start up that came late to its turn: those that waited have been served."""
        with self._lock:
            is_late = bool(self._busy or self._idle) and self._starting > len(self._waiters)
            if is_late:
                self._starting -= 1
        return is_late

    def _start(self) -> None:
        if self._drop_late_start():
            return
        environment = None
        try:
            environment = self._create()
            environment.initialise()
        except BaseException as error:  # noqa: BLE001 - handed to the caller who waits for it
            if environment is not None:
                self._destroy(environment)
            with self._lock:
                self._starting -= 1
                waiter = self._waiters.popleft() if self._waiters else None
            if waiter is not None:
                waiter.put(error)
            if self._limit is not None:  # the others did not have one started
                self._start_another()
            return
        with self._lock:
            self._starting -= 1
            is_kept = self._offer(environment)
        if not is_kept:
            self._destroy(environment)
