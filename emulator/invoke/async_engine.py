"""Asynchronous invocation: which accepted event is attempted when, and by which thread.

Each function has a queue of its own, so that a slow one delays nobody else. A queue has runners
only while it has due events; a runner attempts one event after the other. Events that wait for
their time stand in one heap. The thread "async-scheduler" sleeps until the first of them is due,
or until the next look at the queues that have more events than runners.
"""

import heapq
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final

from emulator.invoke.backlog import FunctionBacklog, by_function
from emulator.invoke.event_queue import FunctionQueue, QueuedEvent
from emulator.invoke.kept_events import KeptEvents
from emulator.invoke.processors import Processors
from emulator.invoke.ramp import LOOK_S
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import Clock, LambdaError
from emulator.observe import Activity, Reporter

DUE: Final = "events due"  # the kind of activity: due or running, not waiting for its time
_ROUNDING_S: Final = 1e-6  # of sums of seconds: a frozen clock never gets past it by itself
_AFTER_BUG_S: Final = 60.0
_JOIN_S: Final = 1.0


class AsyncEngine:
    """All accepted events that are not over. Any thread may call.

    `_lock` guards the queues and the heap; it is never held while a function is looked up or
    runs, nor while a thread starts. attempt: runs an event once, and returns the seconds on the
    clock after which it is to be tried again, or None when nothing is left to try: then it is
    for `attempt` to see what follows, and to take the event out of `kept` afterwards.
    """

    def __init__(
        self,
        attempt: Callable[[QueuedEvent], float | None],
        kept: KeptEvents,
        reporter: Reporter,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._attempt = attempt
        self._kept = kept
        self._reporter = reporter
        self._activity = activity
        self._clock = clock
        self._lock = threading.Lock()
        self._needs_scheduler = threading.Condition(self._lock)
        self._has_stopped_running = threading.Condition(self._lock)
        self._events: dict[str, QueuedEvent] = {}  # by request id, oldest first
        self._queues: dict[str, FunctionQueue] = {}  # by unqualified ARN
        self._short: set[FunctionQueue] = set()  # queues with more events than runners
        self._later: list[tuple[float, int, QueuedEvent]] = []  # heap by time due
        self._tie_breaker = count()
        self._running = 0
        self._is_stopping = False
        self._processors = Processors()
        self._next_look_s: float | None = None  # real time: a frozen clock delays no queue
        self._threads = RunnerThreads("async-runner")
        self._scheduler = threading.Thread(
            target=self._schedule, name="async-scheduler", daemon=True
        )
        self._scheduler.start()
        # On the thread that moves time: whoever moved it finds the events due when it returns.
        clock.on_move(self._release_due)

    def accept(self, event: QueuedEvent) -> None:
        """Take over `event`: from now on it is attempted until it is over."""
        self._kept.add(event)  # before anybody is told, and without the lock
        with self._lock:
            started = None if self._is_stopping else self._enqueue_new(event)
        if started is not None:
            self._start_runners(*started)
        elif event.journal_number is None or event.call.source == "api":  # who can come again
            self._kept.over(event)
            raise LambdaError("ServiceException", "The emulator is stopping.")
        # else the next process takes it over: a destination's record, an event of a service

    def resume(self) -> int:
        """Take over what an earlier process accepted and did not finish; returns how many."""
        loaded = self._kept.load()
        with self._lock:
            now_s = self._clock.monotonic()
            for event, wait_s in loaded:
                self._events[event.request_id] = event
                heapq.heappush(self._later, (now_s + wait_s, next(self._tie_breaker), event))
        self._release_due()
        return len(loaded)

    def backlog(self) -> tuple[FunctionBacklog, ...]:
        """What is not over, by function."""
        with self._lock:
            now_s = self._clock.monotonic()
            events = list(self._events.values())
            later = [(due_s, event.function_arn) for due_s, _, event in self._later]
            running = {arn: queue.running for arn, queue in self._queues.items()}
        return by_function(events, later, running, now_s)

    def reset(self) -> None:
        """Forget every event; an attempt that runs goes on, but nothing follows from it."""
        with self._lock:
            for event in self._events.values():
                event.is_forgotten = True
            self._events.clear()
            self._later.clear()
            for queue in self._queues.values():
                while queue.waiting:
                    queue.waiting.pop()
                    self._activity.end(DUE)
        self._kept.forget()

    def stop(self, grace_s: float) -> int:
        """Attempt nothing new and let what runs finish; returns how many events are not over."""
        with self._lock:
            self._is_stopping = True
            self._needs_scheduler.notify()
            self._has_stopped_running.wait_for(lambda: self._running == 0, grace_s)
            left, is_stuck = len(self._events), self._running > 0
        self._scheduler.join(_JOIN_S)
        self._threads.stop(0.0 if is_stuck else _JOIN_S)
        return left

    def _enqueue_new(self, event: QueuedEvent) -> tuple[FunctionQueue, int]:
        self._events[event.request_id] = event
        return self._enqueue(event)

    def _enqueue(self, event: QueuedEvent) -> tuple[FunctionQueue, int]:
        """Make `event` due, under the lock; the caller starts that many runners without it."""
        self._activity.begin(DUE)
        queue = self._queues.get(event.function_arn)
        if queue is None:
            queue = self._queues[event.function_arn] = FunctionQueue(event.function_arn)
        queue.waiting.append(event)
        hired = queue.hire(1)
        if hired == 0 and queue not in self._short:
            self._short.add(queue)
            self._needs_scheduler.notify()
        return queue, hired

    def _start_runners(self, queue: FunctionQueue, hired: int) -> None:
        for started in range(hired):
            try:
                self._threads.start(partial(self._run_events, queue))
            except RuntimeError as error:  # the system has no more threads
                with self._lock:
                    queue.runners -= hired - started
                    self._short.add(queue)  # the next look tries again
                    self._needs_scheduler.notify()
                self._reporter.event("async.no_thread", error=error)
                return

    # What a runner does.

    def _run_events(self, queue: FunctionQueue) -> None:
        while (event := self._take(queue)) is not None:
            try:
                delay_s = self._attempt(event)
            except Exception:  # noqa: BLE001 - a bug of ours: show it, and keep the event
                self._reporter.event("async.failed", error=traceback.format_exc())
                delay_s = _AFTER_BUG_S
            # What a stop breaks off is no attempt.
            if delay_s is not None and not self._is_stopping:
                self._kept.postponed(event, delay_s)
            self._finish(queue, event, delay_s)
            if delay_s is not None:
                self._release_due()  # a delay may be scaled down to nothing
            self._activity.end(DUE)

    def _take(self, queue: FunctionQueue) -> QueuedEvent | None:
        with self._lock:
            if queue.waiting and not self._is_stopping:
                self._running += 1
                queue.running += 1
                return queue.waiting.popleft()
            queue.runners -= 1
            if queue.runners == 0:
                # The next event makes a new queue, which starts small again.
                del self._queues[queue.function_arn]
            return None

    def _finish(self, queue: FunctionQueue, event: QueuedEvent, delay_s: float | None) -> None:
        with self._lock:
            queue.finished += 1
            queue.running -= 1
            self._running -= 1
            if self._is_stopping:
                self._has_stopped_running.notify_all()
            if delay_s is None:
                self._events.pop(event.request_id, None)
            elif event.request_id in self._events:  # else a reset came between
                due_s = self._clock.monotonic() + delay_s
                heapq.heappush(self._later, (due_s, next(self._tie_breaker), event))
                self._needs_scheduler.notify()

    # What the scheduler does.

    def _schedule(self) -> None:
        while True:
            with self._lock:
                if self._is_stopping:
                    return
                self._needs_scheduler.wait(self._pause_s())
            self._release_due()
            self._look()

    def _pause_s(self) -> float | None:
        """Real seconds until there is something to do, under the lock; None: until notified."""
        pause_s = self._clock.timeout(self._later[0][0]) if self._later else None
        if not self._short:
            return pause_s
        if self._next_look_s is None:
            self._processors.have_time_to_spare()  # what was before the shortage tells nothing
            self._next_look_s = time.monotonic() + LOOK_S
        look_s = max(0.0, self._next_look_s - time.monotonic())
        return look_s if pause_s is None else min(look_s, pause_s)

    def _release_due(self) -> None:
        to_start: list[tuple[FunctionQueue, int]] = []
        with self._lock:
            now_s = self._clock.monotonic() + _ROUNDING_S
            while self._later and self._later[0][0] <= now_s and not self._is_stopping:
                to_start.append(self._enqueue(heapq.heappop(self._later)[2]))
            self._needs_scheduler.notify()  # time moved: the pause is another one
        for queue, hired in to_start:
            self._start_runners(queue, hired)

    def _look(self) -> None:
        if self._next_look_s is None or time.monotonic() < self._next_look_s:
            return
        has_spare = self._processors.have_time_to_spare()
        to_start: list[tuple[FunctionQueue, int]] = []
        with self._lock:
            for queue in self._short:
                queue.look(has_spare)
                to_start.append((queue, queue.hire(len(queue.waiting))))
            self._short = {queue for queue in self._short if queue.waiting}
            self._next_look_s = time.monotonic() + LOOK_S if self._short else None
        for queue, hired in to_start:
            self._start_runners(queue, hired)
