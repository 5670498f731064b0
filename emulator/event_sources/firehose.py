"""Firehose: records that a function transforms before they are put into a bucket."""

import gzip
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from typing_extensions import override

from emulator.aws import (
    Fact,
    FirehoseDeletedFact,
    FirehoseRecord,
    FirehoseRecordsFact,
    Transformation,
)
from emulator.event_sources.alarms import Alarm
from emulator.event_sources.firehose_rules import (
    FAILED,
    MESSAGES,
    Done,
    MissingKey,
    Outcome,
    event,
    event_bytes,
    failure_line,
    object_name,
    prefix,
    random_string,
    read_answer,
)
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import AwsError, Call, LambdaError
from emulator.model.limits import SYNC_REQUEST_BYTES

_NAME: Final = "firehose"
_ENVELOPE_BYTES: Final = 1_024  # of an event, around its records
_LIMIT_MS: Final = 300_000  # of one invocation
_BUCKET_RETRY_S: Final = 60.0
_BUCKET_GIVE_UP_S: Final = 86_400.0  # Source: Developer Guide, delivery failure handling
_FINAL: Final = {
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}


@dataclass(kw_only=True, slots=True)
class _Buffer:
    """Records of one delivery stream that wait for its function."""

    records: list[FirehoseRecord] = field(default_factory=list)
    data_bytes: int = 0
    event_bytes: int = _ENVELOPE_BYTES
    alarm: Alarm | None = None

    def has_room(self, record: FirehoseRecord, limit: int) -> bool:
        return (
            self.data_bytes + len(record.data) <= limit
            and self.event_bytes + event_bytes(record) <= SYNC_REQUEST_BYTES
        )

    def add(self, record: FirehoseRecord) -> None:
        self.records.append(record)
        self.data_bytes += len(record.data)
        self.event_bytes += event_bytes(record)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Object:
    account: str
    region: str
    bucket: str
    key: str
    content: bytes
    given_up_s: float
    resets: int  # how often the emulator had been reset: later the bucket is another one


class FirehoseTransformations(EventSource):
    """Collects records by delivery stream, has the function transform them, and delivers them.

    Any thread may call. `_lock` guards the buffers and what was warned of. A stream's batches are
    transformed on a lane of its own, one after the other. What is buffered, or waits for its
    bucket, when the emulator stops goes with the buckets it was meant for; of what is buffered the
    terminal tells.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lanes = Lanes(_NAME, around.activity, around.reporter)
        self._lock = threading.Lock()
        self._buffers: dict[str, _Buffer] = {}
        self._warned: set[tuple[str, str]] = set()
        self._resets = 0
        around.moto.subscribe(self._on_fact, FirehoseRecordsFact, FirehoseDeletedFact)

    @override
    def reset(self) -> None:
        """Forget what is buffered."""
        with self._lock:
            for buffer in self._buffers.values():
                _cancel(buffer)
            self._buffers.clear()
            self._warned.clear()
            self._resets += 1

    @override
    def stop(self, grace_s: float) -> None:
        """Tell what is left, and wait for the functions that run."""
        with self._lock:
            left = sum(len(each.records) for each in self._buffers.values())
        if left:
            self.around.reporter.event("firehose.records_left", count=left)
        self.reset()
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, FirehoseDeletedFact):
            with self._lock:
                buffer = self._buffers.pop(fact.stream_arn, None)
            _cancel(buffer)
        elif isinstance(fact, FirehoseRecordsFact):
            self.take(fact)

    def take(self, fact: FirehoseRecordsFact) -> None:
        """Buffer records, and have those that are enough for the function transformed."""
        with self._lock:
            self._warn(fact)
            full = self._collect(fact)
        self._begin(full)

    def _collect(self, fact: FirehoseRecordsFact) -> list[FirehoseRecordsFact]:
        """Buffer records; returns what is full. `_lock` is held."""
        full: list[FirehoseRecordsFact] = []
        limit = fact.transformation.buffer_bytes
        for record in fact.records:
            buffer = self._buffers.get(fact.stream_arn)
            if buffer is not None and not buffer.has_room(record, limit):
                full.append(self._taken(fact))
                buffer = None
            if buffer is None:
                buffer = self._buffers[fact.stream_arn] = _Buffer()
                self._set_alarm(fact, buffer)
            buffer.add(record)
            if buffer.data_bytes >= limit:
                full.append(self._taken(fact))
        if fact.transformation.buffer_s <= 0 and fact.stream_arn in self._buffers:
            full.append(self._taken(fact))
        return full

    def _set_alarm(self, fact: FirehoseRecordsFact, buffer: _Buffer) -> None:
        settings = replace(fact, records=())
        due_s = self.around.clock.monotonic() + fact.transformation.buffer_s
        buffer.alarm = self.around.alarms.set(due_s, partial(self._ring, settings, buffer))

    def _ring(self, fact: FirehoseRecordsFact, buffer: _Buffer) -> None:
        with self._lock:
            is_there = self._buffers.get(fact.stream_arn) is buffer
            due = [self._taken(fact)] if is_there else []
        self._begin(due)

    def _taken(self, fact: FirehoseRecordsFact) -> FirehoseRecordsFact:
        """Empty the buffer of a stream; `_lock` is held."""
        buffer = self._buffers.pop(fact.stream_arn)
        _cancel(buffer)
        return replace(fact, records=tuple(buffer.records))

    def _begin(self, batches: Sequence[FirehoseRecordsFact]) -> None:
        for batch in batches:
            self._lanes.put(batch.stream_arn, partial(self._transform, batch))

    def _transform(self, batch: FirehoseRecordsFact) -> None:
        outcome, attempts, message = self._invoke(batch)
        groups, misplaced = _grouped(batch, outcome.done)
        for folder, done in groups.items():
            delimiter = batch.transformation.delimiter
            content = b"".join(each.data + delimiter for each in done)
            self._put(batch, folder, [each.record for each in done], content)
        failed = [*outcome.failed, *misplaced]
        if failed:
            self._put_failed(batch, failed, attempts, message)

    def _invoke(self, batch: FirehoseRecordsFact) -> tuple[Outcome, int, str | None]:
        """Run the function until it answers; how often it was tried, and what was wrong."""
        transformation = batch.transformation
        code, message, attempts = "", "", 0
        for attempts in range(1, transformation.retries + 2):
            try:
                result, _ = self.around.invoker.run(_call(batch))
            except LambdaError as error:
                code = _FINAL.get(error.code, f"Lambda.{error.code}")
                message = error.message
                if error.code in ("ResourceNotFoundException", "AccessDeniedException"):
                    break
                continue
            if result.function_error is None and result.duration_ms <= _LIMIT_MS:
                return read_answer(result.payload, batch.records), attempts, None
            kind = "FunctionError" if result.function_error else "FunctionRequestTimedOut"
            code = f"Lambda.{kind}"
            message = MESSAGES[code]
        self.around.reporter.event(
            "firehose.not_transformed",
            stream=batch.stream_arn,
            function=transformation.function_arn,
            records=len(batch.records),
            reason=f"{code}: {message}",
        )
        return Outcome(failed=[(each, code) for each in batch.records]), attempts, message

    def _put_failed(
        self,
        batch: FirehoseRecordsFact,
        failed: Sequence[tuple[FirehoseRecord, str]],
        attempts: int,
        message: str | None,
    ) -> None:
        function_arn, now_s = batch.transformation.function_arn, self.around.clock.now()
        lines = [
            failure_line(record, function_arn, code, message or MESSAGES[code], attempts, now_s)
            for record, code in failed
        ]
        records = [record for record, _ in failed]
        folder = prefix(batch.transformation, _oldest(records), random_string(), {}, FAILED)
        content = "".join(f"{line}\n" for line in lines).encode()
        self._put(batch, folder, records, content)

    def _put(
        self,
        batch: FirehoseRecordsFact,
        folder: str,
        records: Sequence[FirehoseRecord],
        content: bytes,
    ) -> None:
        transformation = batch.transformation
        _, _, _, region, account, _ = batch.stream_arn.split(":", 5)
        name = object_name(
            batch.stream_arn,
            batch.version,
            _oldest(records),
            transformation.time_zone,
            str(uuid.uuid4()),
        )
        if transformation.is_compressed:
            content = gzip.compress(content, mtime=0)
        ending = transformation.extension or (".gz" if transformation.is_compressed else "")
        made = _Object(
            account=account,
            region=region,
            bucket=transformation.bucket,
            key=f"{folder}{name}{ending}",
            content=content,
            given_up_s=self.around.clock.monotonic() + _BUCKET_GIVE_UP_S,
            resets=self._resets,
        )
        self._deliver(made)

    def _deliver(self, made: _Object) -> None:
        """Put an object; a bucket that does not take it is tried again for a day, as in AWS."""
        if made.resets != self._resets:
            return
        try:
            self.around.moto.buckets.put(
                made.account,
                made.region,
                made.bucket,
                made.key,
                made.content,
                content_type="application/octet-stream",
            )
        except AwsError as error:
            due_s = self.around.clock.monotonic() + _BUCKET_RETRY_S
            is_over = due_s > made.given_up_s
            self.around.reporter.event(
                "firehose.not_delivered",
                bucket=made.bucket,
                key=made.key,
                reason=error,
                hint="given up after a day" if is_over else "tried again each minute, for a day",
            )
            if not is_over:
                again = partial(self._lanes.put, f"retry {made.key}", partial(self._deliver, made))
                self.around.alarms.set(due_s, again)

    def _warn(self, fact: FirehoseRecordsFact) -> None:
        """Tell once what is not obeyed; `_lock` is held."""
        for setting in fact.transformation.not_built:
            if (fact.stream_arn, setting) not in self._warned:
                self._warned.add((fact.stream_arn, setting))
                self.around.reporter.event(
                    "firehose.setting_ignored", stream=fact.stream_arn, setting=setting
                )


def _grouped(
    batch: FirehoseRecordsFact, done: Sequence[Done]
) -> tuple[Mapping[str, list[Done]], list[tuple[FirehoseRecord, str]]]:
    """Transformed records by the folder they go to, and those that go to none."""
    groups: dict[str, list[Done]] = {}
    misplaced: list[tuple[FirehoseRecord, str]] = []
    if not done:
        return groups, misplaced
    transformation: Transformation = batch.transformation
    oldest_s, unique = _oldest([each.record for each in done]), random_string()
    for each in done:
        keys = each.keys if transformation.is_partitioned else {}
        try:
            groups.setdefault(prefix(transformation, oldest_s, unique, keys), []).append(each)
        except MissingKey:
            misplaced.append((each.record, "DynamicPartitioning.PartitionKeyNotFound"))
    return groups, misplaced


def _oldest(records: Sequence[FirehoseRecord]) -> float:
    return min(each.at_s for each in records)


def _cancel(buffer: _Buffer | None) -> None:
    if buffer is not None and buffer.alarm is not None:
        buffer.alarm.cancel()


def _call(batch: FirehoseRecordsFact) -> Call:
    function_arn = batch.transformation.function_arn
    document = event(batch.stream_arn, batch.records, str(uuid.uuid4()))
    return Call.to(
        function_arn,
        json.dumps(document, separators=(",", ":")).encode(),
        source=_NAME,
        cause=batch.stream_arn,
    )
