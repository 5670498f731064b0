"""Reads one queue for one event source mapping."""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from emulator.aws import QueueMessage, Receipt
from emulator.event_sources.alarms import Alarm
from emulator.event_sources.filter_pattern import Filters
from emulator.event_sources.source import Surroundings
from emulator.event_sources.sqs_batch import (
    Batch,
    Gathering,
    QueuedRecord,
    encoded,
    failed_ids,
    record,
)
from emulator.event_sources.sqs_pace import GROWTH_S, Pace
from emulator.invoke.recursion import longest
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import Call, LambdaError, bare_name
from emulator.model.mapping import EventSourceMapping

_RECEIVE: Final = 10  # SQS hands out no more at once
_KIND: Final = "records"  # of activity
_PASSING: Final = frozenset({409, 429, 500, 502, 503})  # states of a function, and throttles

_OK: Final = "OK"
_FAILED: Final = "PROBLEM: Function call failed"
_NO_QUEUE: Final = "PROBLEM: The specified queue does not exist"
_NO_FUNCTION: Final = "PROBLEM: Function not found"


class SqsPoller:
    """Reads by jobs on shared threads, the readers: each takes one batch after the other.

    A reader ends when there is nothing to receive; a fact, or the alarm set for when a message
    becomes visible, starts one again. Any thread may call. `_lock` guards everything below it and
    is held for a few instructions: never while a queue is read or a function runs.
    """

    def __init__(
        self,
        mapping: EventSourceMapping,
        around: Surroundings,
        threads: RunnerThreads,
        forget: Callable[["SqsPoller"], None],
    ) -> None:
        self.queue_arn = mapping.source_arn
        self.last_result: str | None = None
        self._around = around
        self._threads = threads
        self._forget = forget
        self._lock = threading.Lock()
        self._has_ended = threading.Condition(self._lock)
        self._mapping = mapping
        self._filters = Filters(mapping.filters, "body")
        self._pace = Pace(mapping)
        self._readers = 0
        self._wakes = 0  # grows: a reader that saw nothing must look again if it grew meanwhile
        self._gathering = Gathering()  # records whose window is open
        self._window: object | None = None  # stands for the one that is open
        self._complete: deque[Batch] = deque()  # batches to be run next
        self._refused: list[Batch] = []  # nobody had room; while there are any, nothing is received
        self._due: tuple[float, Alarm] | None = None  # when the next message becomes visible
        self._growth: Alarm | None = None
        self._is_open = False
        self._is_stopping = False

    @property
    def function_arn(self) -> str:
        """The function that gets the messages."""
        return self._mapping.function_arn

    def open(self) -> None:
        """Begin to look at the queue: SQS, which takes long to load, is loaded now."""
        with self._lock:
            self._is_open = True
        self.wake()

    def wake(self) -> None:
        """Look at the queue: something may have changed."""
        with self._lock:
            self._wakes += 1
            self._hire()

    def update(self, mapping: EventSourceMapping) -> None:
        """Go on with other options."""
        with self._lock:
            self._mapping = mapping
            self._filters = Filters(mapping.filters, "body")
            self._pace.update(mapping)
            self._wakes += 1
            self._hire()

    def stop(self, grace_s: float) -> None:
        """Begin no further batch, and wait for those that run."""
        self._forget(self)
        with self._lock:
            self._is_stopping = True
            batches = [*self._complete, *self._refused, self._gathering.take()]
            self._complete.clear()
            self._refused.clear()
            for alarm in (self._due and self._due[1], self._growth):
                if alarm:
                    alarm.cancel()
            if grace_s > 0:
                self._has_ended.wait_for(lambda: self._readers == 0, grace_s)
        handles = [handle for batch in batches for handle in batch.handles]
        if handles:
            self._around.moto.queues.give_back(self.queue_arn, handles)

    def _hire(self) -> None:
        """Start one reader more, under the lock, if the pace allows."""
        if self._is_stopping or not self._is_open or self._readers >= self._pace.limit:
            return
        self._around.activity.begin(_KIND)
        try:
            self._threads.start(self._read)
        except RuntimeError:  # the system has no thread for us; those that read go on
            self._around.activity.end(_KIND)
        else:
            self._readers += 1

    # On a reader's thread.

    def _read(self) -> None:
        try:
            while self._turn():
                pass
        except Exception:  # noqa: BLE001  # a bug of ours: the messages come back by themselves
            self._around.reporter.event("sqs.failed", traceback=traceback.format_exc())
            self._end()
        finally:
            self._around.activity.end(_KIND)

    def _turn(self) -> bool:
        """Run what there is to run; False: there is nothing, and this reader has ended."""
        with self._lock:
            seen, mapping, filters = self._wakes, self._mapping, self._filters
            batch = self._complete.popleft() if self._complete else None
            is_held_up = bool(self._refused)
        if batch:
            if batch.refusals and self._is_due(batch):
                self._around.moto.queues.let_go(self.queue_arn, batch.handles)
            else:
                self._run(mapping, batch)
            return self._goes_on()
        most = _RECEIVE if mapping.window_s else min(mapping.batch_size, _RECEIVE)
        receipt = None if is_held_up else self._receive(mapping, most)
        if receipt is None or not receipt.messages:
            return not self._end(seen)
        if self._is_stopping:
            handles = [message.receipt_handle for message in receipt.messages]
            self._around.moto.queues.give_back(self.queue_arn, handles)
            return not self._end()
        if len(receipt.messages) == most:  # there may be more
            with self._lock:
                self._hire()
                self._plan_growth()
        records = self._filtered(mapping, filters, receipt)
        if mapping.window_s:
            self._gather(mapping, records)
        else:
            self._run_all(mapping, records)
        return self._goes_on()

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._is_stopping and self._readers <= self._pace.limit:
                return True
            self._wakes += 1  # another one may be about to end: what this one gathered is its now
        self._end()
        return False

    def _end(self, seen: int | None = None) -> bool:
        """End this reader, unless something happened since `seen`; tell whether it ended."""
        with self._lock:
            if seen is not None and seen != self._wakes and not self._is_stopping:
                return False
            self._readers -= 1
            if self._readers == 0:
                self._pace.rest()
                self._has_ended.notify_all()
        return True

    def _receive(self, mapping: EventSourceMapping, most: int) -> Receipt | None:
        if not self._function_is_there(mapping):
            self.last_result = _NO_FUNCTION
            return None
        receipt = self._around.moto.queues.receive(self.queue_arn, most)
        if receipt is None:
            self.last_result = _NO_QUEUE
            return None
        if self.last_result in (_NO_QUEUE, _NO_FUNCTION):
            self.last_result = None
        if receipt.next_due_s is not None:
            self._look_again(receipt.next_due_s)
        return receipt

    def _function_is_there(self, mapping: EventSourceMapping) -> bool:
        """Ask before messages are received: each receive counts towards the dead-letter queue."""
        try:
            self._around.functions.look_up(
                mapping.account, mapping.region, mapping.function_arn, None
            )
        except LambdaError:
            return False
        return True

    def _look_again(self, due_s: float) -> None:
        with self._lock:
            if self._is_stopping or (self._due and self._due[0] <= due_s):
                return
            if self._due:
                self._due[1].cancel()
            self._due = due_s, self._around.alarms.set(due_s, self._on_due)

    def _on_due(self) -> None:
        with self._lock:
            self._due = None
        self.wake()

    def _plan_growth(self) -> None:
        """While all readers are busy and messages wait, let there be more by and by."""
        is_short = self._readers >= self._pace.limit and self._pace.can_grow
        if is_short and self._growth is None and not self._is_stopping:
            due_s = self._around.clock.monotonic() + GROWTH_S
            self._growth = self._around.alarms.set(due_s, self._grow)

    def _grow(self) -> None:
        with self._lock:
            self._growth = None
            if self._readers >= self._pace.limit:
                self._pace.grow()
                self._hire()  # who finds more than it can take starts the next one

    def _filtered(
        self, mapping: EventSourceMapping, filters: Filters, receipt: Receipt
    ) -> list[QueuedRecord]:
        """The records that the function gets; the other messages are deleted."""
        hidden_until_s = self._around.clock.monotonic() + receipt.hidden_s
        wanted: list[QueuedRecord] = []
        unwanted: list[QueueMessage] = []
        for message in receipt.messages:
            document = record(message, self.queue_arn)
            if filters.let_through(document):
                text = encoded(document)
                wanted.append(
                    QueuedRecord(message=message, text=text, hidden_until_s=hidden_until_s)
                )
            else:
                unwanted.append(message)
        self._count(mapping, "PolledEventCount", len(receipt.messages))
        if unwanted:
            handles = [message.receipt_handle for message in unwanted]
            self._around.moto.queues.delete(self.queue_arn, handles)
            self._count(mapping, "FilteredOutEventCount", len(unwanted))
        return wanted

    def _gather(self, mapping: EventSourceMapping, records: Sequence[QueuedRecord]) -> None:
        """Put records into the open batch; its window opens with its first record."""
        with self._lock:
            for each in records:
                complete = self._gathering.add(each, mapping.batch_size)
                self._complete.extend(complete)
                if complete:
                    self._window = None
                if len(self._gathering) == 1:
                    self._window = window = object()
                    due_s = self._around.clock.monotonic() + mapping.window_s
                    self._around.alarms.set(due_s, partial(self._close, window))

    def _close(self, window: object) -> None:
        """The time of a window is over; it may have been closed by a full batch before."""
        with self._lock:
            if window is self._window and not self._is_stopping:
                self._window = None
                self._complete.append(self._gathering.take())
                self._wakes += 1
                self._hire()

    def _run_all(self, mapping: EventSourceMapping, records: Sequence[QueuedRecord]) -> None:
        """Run what one receive brought; it is more than one batch when it is large."""
        gathering = Gathering()
        batches = [batch for each in records for batch in gathering.add(each, mapping.batch_size)]
        if len(gathering):
            batches.append(gathering.take())
        while batches:
            if not self._run(mapping, batches.pop(0)) and self.queue_arn.endswith(".fifo"):
                break  # what comes after it waits with it until it is visible again
        if batches:
            handles = [handle for batch in batches for handle in batch.handles]
            self._around.moto.queues.let_go(self.queue_arn, handles)

    def _run(self, mapping: EventSourceMapping, batch: Batch) -> bool:
        """Invoke the function; True when it is done with all messages of the batch."""
        call = Call(
            account=mapping.account,
            region=mapping.region,
            function=mapping.function_arn,
            payload=batch.payload,
            source="sqs",
            cause=batch.ids[0],
            activity=_KIND,
            trace_header=longest(
                (each.message.trace_header for each in batch.records),
                ":".join(mapping.function_arn.split(":")[:7]),
            ),
        )
        try:
            result, _ = self._around.invoker.run(call)
        except LambdaError as error:
            self._put_off(mapping, batch, error)
            return False
        ids = set(batch.ids)
        failed: set[str] = set()
        if result.function_error:
            failed = ids
        elif mapping.reports_item_failures:
            failed = failed_ids(result.payload, ids)
            if failed:  # the invocation itself is told as a success
                queue, function = self.queue_arn.rpartition(":")[2], bare_name(mapping.function_arn)
                told = {"function": function, "queue": queue, "failed": len(failed)}
                self._around.reporter.event("sqs.items_failed", **told, batch=len(ids))
        self._settle(mapping, batch, failed)
        return not failed

    def _settle(self, mapping: EventSourceMapping, batch: Batch, failed: set[str]) -> None:
        """Delete what is done; the rest becomes visible again when it is due."""
        done: list[str] = []
        left: list[str] = []
        for message in (each.message for each in batch.records):
            (left if message.id in failed else done).append(message.receipt_handle)
        self._around.moto.queues.delete(self.queue_arn, done)
        if left:
            self._around.moto.queues.let_go(self.queue_arn, left)
        self.last_result = _FAILED if failed else _OK
        self._count(mapping, "InvokedEventCount", len(batch.records))
        self._count(mapping, "FailedInvokeEventCount", len(failed))
        self._count(mapping, "DeletedEventCount", len(done))

    def _put_off(self, mapping: EventSourceMapping, batch: Batch, error: LambdaError) -> None:
        """Nothing ran: try again while the messages are hidden, and run fewer side by side."""
        if error.code == "RecursiveInvocationException":
            self._settle(mapping, batch, set(batch.ids))  # they go the way of what fails
            return
        if not self._function_is_there(mapping):  # it went after we asked
            self.last_result = _NO_FUNCTION
            self._around.moto.queues.give_back(self.queue_arn, batch.handles)
            return
        self.last_result = _FAILED
        self._count(mapping, "FailedInvokeEventCount", len(batch.records))
        if error.fault.status not in _PASSING or not self._retry(batch):
            # As after any failure: the messages become visible again when they are due.
            self._around.moto.queues.let_go(self.queue_arn, batch.handles)

    def _retry(self, batch: Batch) -> bool:
        """Plan the next try of a batch that was refused; False: there is no time left for it."""
        due_s = self._around.clock.monotonic() + batch.retry_s
        with self._lock:
            self._pace.shrink(self._readers)
            if self._is_stopping or due_s >= batch.records[0].hidden_until_s:
                return False
            again = replace(batch, refusals=batch.refusals + 1)
            self._refused.append(again)
            self._around.alarms.set(due_s, partial(self._again, again))
        return True

    def _again(self, batch: Batch) -> None:
        with self._lock:
            if self._is_stopping:
                return
            self._refused.remove(batch)
            self._complete.append(batch)
            self._wakes += 1
            self._hire()

    def _is_due(self, batch: Batch) -> bool:
        """Whether its messages are to be visible again by now."""
        return self._around.clock.monotonic() >= batch.records[0].hidden_until_s

    def _count(self, mapping: EventSourceMapping, metric: str, value: int) -> None:
        if mapping.counts_events and value:
            self._around.metrics.count(
                metric,
                value,
                account=mapping.account,
                region=mapping.region,
                dimensions={"EventSourceMappingUUID": mapping.uuid},
            )
