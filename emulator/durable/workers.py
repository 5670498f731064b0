"""Threads that do what is due for executions, and count as activity while they do."""

import traceback
from collections.abc import Callable
from typing import Final

from emulator.invoke.runner_threads import RunnerThreads
from emulator.observe import Activity, Reporter

DUE: Final = "durable executions due"  # the kind of activity


class Workers:
    """The threads "durable-runner-N". Any thread may call."""

    def __init__(self, activity: Activity, reporter: Reporter) -> None:
        self._activity = activity
        self._reporter = reporter
        self._threads = RunnerThreads("durable-runner")

    def start(self, job: Callable[[], None]) -> bool:
        """Have a job done, which counts as activity from here on; False: there is no thread."""
        self._activity.begin(DUE)
        try:
            self._threads.start(lambda: self._do(job))
        except RuntimeError as error:  # the system has no more threads
            self._activity.end(DUE)
            self._reporter.event("durable.no_thread", error=error)
            return False
        return True

    def stop(self, timeout_s: float) -> None:
        """Wait for what is being done."""
        self._threads.stop(timeout_s)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 - a bug of ours: show it; other executions go on
            self._reporter.event("durable.failed", error=traceback.format_exc())
        finally:
            self._activity.end(DUE)
