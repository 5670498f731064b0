"""The outside of one shard: its records, the function, and the on-failure destination."""

import base64
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from emulator.aws import StreamReader, StreamRecord
from emulator.event_sources import stream_events
from emulator.event_sources.destinations import DestinationSender
from emulator.event_sources.source import Surroundings
from emulator.event_sources.stream_lane import GiveUp, Invoke
from emulator.event_sources.stream_rules import Entry, Outcome, judge
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import Call, DestinationError, DestinationMessage, LambdaError
from emulator.model.mapping import EventSourceMapping

RECORDS: Final = "records"  # the kind of activity
OK: Final = "OK"
FAILED: Final = "PROBLEM: Function call failed"
_COUNTED: Final = frozenset({"RequestTooLargeException"})  # refusals that waiting does not cure

_AFTER_TROUBLE_S: Final = 1.0

Render = Callable[[StreamRecord, EventSourceMapping, str], Mapping[str, Any]]
Matcher = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamWork:
    """What all readers of one service's streams work with."""

    around: Surroundings
    reader: StreamReader
    threads: RunnerThreads
    destinations: DestinationSender
    render: Render  # a record, its mapping and its shard to one of the event's `Records`
    matcher: Callable[[EventSourceMapping], Matcher]  # what the mapping's filters let through

    def start(self, job: Callable[[], None], again: Callable[[], None]) -> None:
        """Run `job` on a thread, as an activity; call `again` a second after it went wrong."""
        self.around.activity.begin(RECORDS)
        try:
            self.threads.start(partial(self._run, job, again))
        except RuntimeError as error:  # the system has no more threads
            self.around.reporter.event("stream.no_thread", error=error)
            self._call_later(partial(self.start, job, again))
            self.around.activity.end(RECORDS)

    def _run(self, job: Callable[[], None], again: Callable[[], None]) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001  # a bug of ours: show it, and try again
            self.around.reporter.event("stream.failed", error=traceback.format_exc())
            self._call_later(again)
        finally:
            self.around.activity.end(RECORDS)

    def _call_later(self, again: Callable[[], None]) -> None:
        self.around.alarms.set(self.around.clock.monotonic() + _AFTER_TROUBLE_S, again)


class StreamDelivery:
    """Acts for the lanes of one shard. Any thread may call."""

    def __init__(
        self,
        work: StreamWork,
        stream_arn: str,
        shard_id: str,
        on_result: Callable[[str], None],
    ) -> None:
        """on_result: told `LastProcessingResult` after each batch."""
        self._work = work
        self._stream_arn = stream_arn
        self._shard_id = shard_id
        self._on_result = on_result

    def read(self, after: int, limit: int) -> list[StreamRecord]:
        """Up to `limit` records of the shard behind number `after`, oldest first."""
        return self._work.reader.read(self._stream_arn, self._shard_id, after, limit)

    def entries(
        self, records: list[StreamRecord], mapping: EventSourceMapping, matches: Matcher
    ) -> list[Entry]:
        """Those of `records` that pass the filters, as the event shows them."""
        found = []
        for record in records:
            document = self._work.render(record, mapping, self._shard_id)
            body = json.dumps(document, separators=(",", ":"), default=_base64).encode()
            if not mapping.filters or matches(json.loads(body)):
                found.append(Entry(record=record, body=body))
        self._count(mapping, "PolledEventCount", len(records))
        self._count(mapping, "FilteredOutEventCount", len(records) - len(found))
        return found

    def invoke(self, action: Invoke, mapping: EventSourceMapping) -> Outcome:
        """Run the function and wait for what comes of it."""
        batch = action.batch
        call = Call(
            account=mapping.account,
            region=mapping.region,
            function=mapping.function_arn,
            payload=stream_events.payload(
                batch, stream_arn=self._stream_arn, shard_id=self._shard_id, state=action.state
            ),
            source=mapping.service,
            cause=self._cause(action),
            activity=RECORDS,
        )
        try:
            result, request_id = self._work.around.invoker.run(call)
        except LambdaError as error:
            self._on_result(FAILED)
            return Outcome(done=0, is_success=False, has_run=error.code in _COUNTED)
        self._count(mapping, "InvokedEventCount", len(batch.entries))
        outcome = judge(
            batch,
            result.payload,
            result.function_error,
            reports_item_failures=mapping.reports_item_failures,
        )
        self._count(mapping, "FailedInvokeEventCount", len(batch.entries) - outcome.done)
        self._on_result(OK if outcome.is_success else FAILED)
        return replace(outcome, request_id=request_id, executed_version=result.executed_version)

    def give_up(self, action: GiveUp, mapping: EventSourceMapping) -> None:
        """Tell the on-failure destination; one that takes nothing must not stop the shard."""
        target = mapping.on_failure_arn
        reporter = self._work.around.reporter
        told = {
            "mapping": mapping.uuid,
            "shard": self._shard_id,
            "records": len(action.batch.entries),
            "condition": action.condition,
        }
        count = len(action.batch.entries)
        if target is None:
            self._count(mapping, "DroppedEventCount", count)
            reporter.event("stream.batch_dropped", **told)
            return
        try:
            self._work.destinations.send(self._message(action, mapping, target))
        except DestinationError as error:
            self._count(mapping, "DroppedEventCount", count)
            reporter.event("stream.not_delivered", **told, target=target, reason=error)
        else:
            self._count(mapping, "OnFailureDestinationDeliveredEventCount", count)
            reporter.event("stream.batch_given_up", **told, target=target)

    def _message(
        self, action: GiveUp, mapping: EventSourceMapping, target: str
    ) -> DestinationMessage:
        now_s = self._work.around.clock.now()
        record = stream_events.failure_record(
            action,
            mapping,
            stream_arn=self._stream_arn,
            shard_id=self._shard_id,
            now_s=now_s,
        )
        if target.split(":")[2] == "s3":  # only a bucket gets the data
            bodies = [json.loads(entry.body) for entry in action.batch.entries]
            record["payload"] = {"Records": bodies}
        return DestinationMessage(
            target_arn=target,
            account=mapping.account,
            region=mapping.region,
            body=json.dumps(record, separators=(",", ":")),
            object_key=stream_events.object_key(mapping.uuid, self._shard_id, now_s),
            cause=action.outcome.request_id if action.outcome else None,
        )

    def _count(self, mapping: EventSourceMapping, metric: str, count: int) -> None:
        if mapping.counts_events and count:
            self._work.around.metrics.count(
                metric,
                count,
                account=mapping.account,
                region=mapping.region,
                dimensions={"EventSourceMappingUUID": mapping.uuid},
            )

    def _cause(self, action: Invoke) -> str:
        entries = action.batch.entries
        return f"{self._shard_id}:{entries[0].record.number}" if entries else self._shard_id


def _base64(value: object) -> str:
    """Binary attributes of items, wherever they stand in an image."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{value!r} is no JSON")
