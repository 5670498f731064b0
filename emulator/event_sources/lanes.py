"""Jobs one after the other in each lane, all lanes beside each other."""

import threading
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial

from emulator.invoke.runner_threads import RunnerThreads
from emulator.observe import Activity, Reporter

Job = Callable[[], None]


class Lanes:
    """A lane has one thread while there is a job in it, so a slow one delays only its own lane.

    Any thread may call. `_lock` guards the queues; no job runs under it. A job is an activity
    from when it is put until it is over. One that raises is reported; the next ones run.
    """

    def __init__(self, name: str, activity: Activity, reporter: Reporter) -> None:
        self._name = name
        self._activity = activity
        self._reporter = reporter
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Job]] = {}  # those that have a thread
        self._threads = RunnerThreads(f"{name}-delivery")

    def put(self, lane: str, job: Job) -> None:
        """Run `job` after all that was put into its lane before."""
        self._activity.begin(self._name)
        with self._lock:
            queue = self._queues.get(lane)
            needs_thread = queue is None
            if queue is None:
                queue = self._queues[lane] = deque()
            queue.append(job)
        if needs_thread:
            try:
                self._threads.start(partial(self._run_all, lane, queue))
            except RuntimeError:  # the system has no more threads: then on this one
                self._run_all(lane, queue)

    def run(self, job: Job) -> None:
        """Run a job now, on this thread."""
        self._activity.begin(self._name)
        self._run(job)

    def stop(self, grace_s: float) -> None:
        """End the threads; wait up to `grace_s` for what they run."""
        self._threads.stop(grace_s)

    def _run_all(self, lane: str, queue: deque[Job]) -> None:
        while (job := self._next(lane, queue)) is not None:
            self._run(job)

    def _next(self, lane: str, queue: deque[Job]) -> Job | None:
        with self._lock:
            if queue:
                return queue.popleft()
            del self._queues[lane]
            return None

    def _run(self, job: Job) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001  # a bug of ours: what comes next must be done
            self._reporter.event(f"{self._name}.failed", traceback=traceback.format_exc())
        finally:
            self._activity.end(self._name)
