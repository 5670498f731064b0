"""What becomes of an environment whose caller has the answer: idle again, renewed or lost."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from emulator.model import LambdaError
from emulator.observe import Activity
from emulator.sandbox.environment import Environment
from emulator.sandbox.pool import EnvironmentPool

FINISHING: Final = "environments that finish"  # the kind of activity: answered, not idle yet

log = logging.getLogger("emulator.sandbox")


class Returns:
    """Brings environments back to their pools. Any thread may call.

    What takes time is done on threads that `in_background` has.
    """

    def __init__(
        self,
        stop: Callable[[Environment], object],
        lost: Callable[[Environment], None],
        in_background: Callable[..., object],
        *,
        activity: Activity,
        stopping: threading.Event,
    ) -> None:
        """stop: ends an environment some time soon. lost: told of those that were provisioned.

        stopping: set once the emulator stops.
        """
        self._stop = stop
        self._lost = lost
        self._in_background = in_background
        self._activity = activity
        self._stopping = stopping

    def finish(self, pool: EnvironmentPool, environment: Environment, ran_s: float) -> None:
        """Give back an environment whose caller has its answer."""
        try:
            is_finished = environment.finish()
        except Exception:  # our bug; the caller has its answer, and others are started
            log.exception("environment.failed")
            self.lose(pool, environment)
            return
        if is_finished:
            self.give_back(pool, environment, ran_s)
        else:
            self._activity.begin(FINISHING)
            self._in_background(self._finish_slowly, pool, environment)

    def give_back(self, pool: EnvironmentPool, environment: Environment, ran_s: float) -> None:
        """Give back an environment that has finished; ran_s: how long it ran."""
        if environment.is_kept and not environment.is_warm and not self._stopping.is_set():
            if environment.debug is None:  # one that waits for a debugger keeps nobody waiting
                self._activity.begin(FINISHING)
            self._in_background(self._renew, pool, environment, ran_s)
            return
        self._offer(pool, environment, ran_s)

    def lose(self, pool: EnvironmentPool, environment: Environment) -> None:
        """Stop a lent environment of which nobody knows how it is."""
        pool.discard()
        self._stop(environment)
        if environment.is_provisioned:
            self._lost(environment)

    def _finish_slowly(self, pool: EnvironmentPool, environment: Environment) -> None:
        started = time.monotonic()
        try:
            environment.finish_slowly()
        except Exception:  # top of a thread: the caller has its answer, and others are started
            log.exception("environment.failed")
            self.lose(pool, environment)
        else:
            self.give_back(pool, environment, time.monotonic() - started)
        finally:
            self._activity.end(FINISHING)

    def _renew(self, pool: EnvironmentPool, environment: Environment, ran_s: float) -> None:
        """Run the init phase of an environment that failed before somebody waits for it."""
        try:
            with contextlib.suppress(LambdaError):  # the next invocation tries again, and tells
                environment.initialise()
            self._offer(pool, environment, ran_s)
        finally:
            if environment.debug is None:
                self._activity.end(FINISHING)

    def _offer(self, pool: EnvironmentPool, environment: Environment, ran_s: float) -> None:
        if not pool.give_back(environment, ran_s):
            self._stop(environment)
