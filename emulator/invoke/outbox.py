"""Messages on their way to destinations and dead-letter queues."""

import threading
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.kept_events import KeptEvents
from emulator.invoke.neighbours import Destinations
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import DestinationError, DestinationMessage
from emulator.observe import Activity, Metrics, Reporter

SENDING: Final = "destination records"  # the kind of activity
_JOIN_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One message, and the metric that counts it when it cannot be delivered."""

    message: DestinationMessage
    failure_metric: Literal["DestinationDeliveryFailures", "DeadLetterErrors"]


_Post = tuple[QueuedEvent, Sequence[Letter]]


class Outbox:
    """Sends what ended events leave behind; an event is over when all of it was tried once.

    Any thread may call. Each target has a queue and one thread while there is something in it, so
    a slow one delays nobody else. `_lock` guards the queues; nothing is sent under it.
    """

    def __init__(
        self,
        destinations: Destinations,
        kept: KeptEvents,
        metrics: Metrics,
        reporter: Reporter,
        activity: Activity,
    ) -> None:
        self._destinations = destinations
        self._kept = kept
        self._metrics = metrics
        self._reporter = reporter
        self._activity = activity
        self._lock = threading.Lock()
        self._is_empty = threading.Condition(self._lock)
        self._queues: dict[str, deque[_Post]] = {}  # by ARN; those that have a thread
        self._is_stopping = False
        self._threads = RunnerThreads("destination-sender")

    def send(self, event: QueuedEvent, letters: Sequence[Letter]) -> None:
        """Send these, in this order, after what their first target is still to get.

        An event that comes after the stop goes on in the next process: what seems its end may be
        that of the sandbox, which ends what did not finish in time.
        """
        if not letters:
            if not self._is_stopping:
                self._kept.over(event)
            return
        target_arn = letters[0].message.target_arn
        self._activity.begin(SENDING)
        with self._lock:
            queue = self._queues.get(target_arn)
            needs_thread = queue is None
            if queue is None:
                queue = self._queues[target_arn] = deque()
            queue.append((event, letters))
        if needs_thread:
            try:
                self._threads.start(partial(self._send_all, target_arn, queue))
            except RuntimeError:  # the system has no more threads
                self._send_all(target_arn, queue)

    def reset(self) -> None:
        """Forget what is not being sent yet."""
        with self._lock:
            for queue in self._queues.values():
                while queue:
                    queue.pop()
                    self._activity.end(SENDING)

    def stop(self, grace_s: float) -> int:
        """Wait up to `grace_s` until all is sent; returns how many events are not over then."""
        with self._lock:
            is_done = self._is_empty.wait_for(lambda: not self._queues, grace_s)
            self._is_stopping = True
            left = sum(len(queue) for queue in self._queues.values())
        self._threads.stop(_JOIN_S if is_done else 0.0)
        return left

    def _send_all(self, target_arn: str, queue: "deque[_Post]") -> None:
        while (post := self._next(target_arn, queue)) is not None:
            event, letters = post
            for letter in letters:
                self._send(event, letter)
            self._kept.over(event)
            self._activity.end(SENDING)

    def _next(self, target_arn: str, queue: "deque[_Post]") -> _Post | None:
        with self._lock:
            if queue and not self._is_stopping:
                return queue.popleft()
            del self._queues[target_arn]
            if not self._queues:
                self._is_empty.notify_all()
            return None

    def _send(self, event: QueuedEvent, letter: Letter) -> None:
        try:
            self._destinations.send(letter.message)
        except DestinationError as error:
            reason = str(error)
        except Exception:  # noqa: BLE001 - a bug of ours: show it, and send the others
            reason = traceback.format_exc()
        else:
            return
        self._metrics.of_function(letter.failure_metric, event.function_arn)
        self._reporter.event(
            "destination.not_delivered",
            function=event.function_arn.rpartition(":")[2],
            request=event.request_id,
            target=letter.message.target_arn,
            error=reason,
        )
