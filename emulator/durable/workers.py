"""Threads that do what is due for executions, and count as activity while they do."""

import traceback
from collections.abc import Callable
from typing import Final

from emulator.durable.surroundings import Surroundings
from emulator.invoke.runner_threads import RunnerThreads

DUE: Final = "durable executions due"  # the kind of activity
_NO_THREAD_DELAY_S: Final = 1.0


class Workers:
    """The threads "durable-runner-N". Any thread may call."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._threads = RunnerThreads("durable-runner")

    def start(self, job: Callable[[], None]) -> None:
        """Have a job done; it counts as activity from here on."""
        self._around.activity.begin(DUE)
        try:
            self._threads.start(lambda: self._do(job))
        except RuntimeError as error:  # the system has no more threads: later, then
            later_s = self._around.clock.monotonic() + _NO_THREAD_DELAY_S
            self._around.set_alarm(later_s, lambda: self.start(job))
            self._around.activity.end(DUE)
            self._around.reporter.event("durable.no_thread", error=error)

    def stop(self, timeout_s: float) -> None:
        """Wait for what is being done."""
        self._threads.stop(timeout_s)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 - a bug of ours: show it; other executions go on
            self._around.reporter.event("durable.failed", error=traceback.format_exc())
        finally:
            self._around.activity.end(DUE)
