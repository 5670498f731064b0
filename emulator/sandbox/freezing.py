"""Freezes environments that are idle: as in AWS, nothing of them runs between invocations."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from emulator.sandbox.suspension import SignalSuspension, Suspension

# Longer than a client needs between two calls, and too short for work to get anywhere.
FREEZE_AFTER_S: Final = 0.01
# An extension that has telemetry to take gets that much longer at most.
_DELIVERY_S: Final = 1.0


class Rest:
    """Whether an environment is idle, and whether it is frozen.

    The pool says when it is idle, on any thread, and a `Freezer` freezes it; who it is lent to
    thaws it. `_lock` is held while processes are told to stop or to go on; who it is lent to
    takes it only when it is frozen, or about to be.
    """

    def __init__(
        self,
        suspension: Suspension,
        roots: Callable[[], Sequence[int]],
        is_awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        """is_awaited: whether its processes are about to answer somebody, asked on any thread."""
        self.is_idle = False
        self.is_frozen = False
        self.is_watched = False  # it is in the freezer's queue
        self.since_s = 0.0
        self._suspension = suspension
        self._roots = roots
        self._is_awaited = is_awaited
        self._lock = threading.Lock()

    def begin(self, now_s: float) -> bool:
        """Take note that it is idle from now on; False: nobody watches it yet."""
        self.since_s = now_s
        self.is_idle = True
        return self.is_watched

    def left_s(self, now_s: float, after_s: float = FREEZE_AFTER_S) -> float:
        """Return how long it stays as it is; 0 or less: it is to be frozen."""
        left_s = self.since_s + after_s - now_s
        if left_s > 0 or left_s < -_DELIVERY_S or not self._is_awaited():
            return left_s
        return FREEZE_AFTER_S  # then it is looked at again

    def freeze(self) -> None:
        """Suspend its processes, unless it was lent meanwhile."""
        with self._lock:
            if self.is_frozen:
                return
            # First this, then the look at `is_idle`; who lends does it in the other order, so that
            # one of the two always sees what the other did.
            self.is_frozen = True
            if self.is_idle:
                self._suspend()
            else:
                self.is_frozen = False

    def _suspend(self) -> None:
        roots = self._roots()
        try:
            self._suspension.suspend(roots)
        except OSError:  # a group that this user may make, but not move processes to
            self._suspension.close()
            self._suspension = SignalSuspension()
            self._suspension.suspend(roots)

    def thaw(self) -> None:
        """Let its processes go on. Called where `is_frozen`, by who has it: it is not idle."""
        with self._lock:
            if self.is_frozen:
                self._suspension.resume()
                self.is_frozen = False

    def end(self) -> None:
        """Forget its processes, which have ended."""
        with self._lock:
            self._suspension.close()
            self.is_frozen = False


class Freezer:
    """Freezes what has been idle for `after_s`. Any thread may call.

    Its one thread, "freezer", sleeps until the next one is due, and for ever when none is.
    """

    def __init__(self, after_s: float = FREEZE_AFTER_S) -> None:
        self._after_s = after_s
        self._watched: deque[Rest] = deque()
        self._wake = threading.Event()
        self._sleeps_for_ever = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="freezer", daemon=True)
        self._thread.start()

    def watch(self, rest: Rest) -> None:
        """Freeze it when it has been idle for long enough. Called where it is not watched yet."""
        rest.is_watched = True
        self._watched.append(rest)
        if self._sleeps_for_ever:  # else it will look in a moment
            self._wake.set()

    def stop(self) -> None:
        """Freeze nothing more."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            pause_s = self._freeze_what_is_due()
            # First this, then the look at the queue; `watch` does it in the other order.
            self._sleeps_for_ever = True
            if self._watched:
                self._sleeps_for_ever = False
                self._wake.wait(pause_s)
            elif not self._is_stopping:
                self._wake.wait()

    def _freeze_what_is_due(self) -> float:
        """Freeze; return how long until the next one is due."""
        now = time.monotonic()
        pause_s = self._after_s
        for _ in range(len(self._watched)):
            rest = self._watched.popleft()
            left_s = rest.left_s(now, self._after_s)
            if left_s > 0:
                # Also one that is busy again: dropped, it would wake this thread after each of a
                # row of quick invocations, and cost them an eighth of their processor time.
                pause_s = min(pause_s, left_s)
                self._watched.append(rest)
                continue
            if rest.is_idle:
                rest.freeze()
            rest.is_watched = False
            if rest.is_idle and not rest.is_frozen:  # idle again, while it was still watched
                self.watch(rest)
        return pause_s
