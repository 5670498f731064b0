"""Kinesis: numbers as AWS gives them, shards that keep what they hold, reading without a scan."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import override

from emulator.aws.patches.patching import SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.aws.stream_facts import RecordsAppendedFact, StreamChangedFact

_NUMBERS: Final = "emulator_numbers"  # our attribute of moto's stream: what its numbers come from
_START: Final = "emulator_start"  # our attribute of moto's shard: its StartingSequenceNumber


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.kinesis. The service's lock is held whenever one of these runs."""
    models = "moto.kinesis.models"
    shard, stream, backend = f"{models}:Shard", f"{models}:Stream", f"{models}:KinesisBackend"
    initial = "self, shard_id, starting_hash, ending_hash, parent, adjacent_parent"
    return [
        Patch(f"{models}:utcnow", "", lambda original: lambda: utc(context.clock.now())),
        Patch(f"{shard}.__init__", initial, _make_shard),
        Patch(f"{shard}.get_records", "self, last_sequence_id, limit", _get_records),
        Patch(f"{shard}.get_min_sequence_number", "self", lambda original: _start_of),
        Patch(f"{shard}.get_max_sequence_number", "self", lambda original: _last_of),
        Patch(
            f"{shard}.get_sequence_number_at", "self, at_timestamp", lambda original: last_before
        ),
        Patch(f"{stream}.init_shards", "self, shard_count", _init_shards(context)),
        Patch(f"{stream}.get_shard_for_key", "self, partition_key, explicit_hash_key", _find_shard),
        Patch(
            f"{stream}.put_record",
            "self, partition_key, explicit_hash_key, data",
            _put_record(context),
        ),
        Patch(
            f"{stream}.split_shard",
            "self, shard_to_split, new_starting_hash_key",
            _split_shard(context),
        ),
        Patch(
            f"{stream}.merge_shards",
            "self, shard_to_merge, adjacent_shard_to_merge",
            _merge_shards(context),
        ),
        Patch(
            f"{backend}.create_stream",
            "self, stream_name, shard_count, stream_mode, retention_period_hours",
            _telling(context),
        ),
        Patch(f"{backend}.delete_stream", "self, stream_arn, stream_name", _telling(context)),
        Patch(
            f"{backend}.get_shard_iterator",
            "self, stream_arn, stream_name, shard_id, shard_iterator_type, "
            "starting_sequence_number, at_timestamp",
            _get_shard_iterator,
        ),
        Patch(
            f"{backend}.get_records",
            "self, stream_arn, shard_iterator, limit",
            _get_records_of_backend,
        ),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Put, split and read in an account nobody uses; return what did not come through."""
    from moto.kinesis.models import kinesis_backends

    backend = kinesis_backends[SCRATCH_ACCOUNT]["us-east-1"]
    try:
        stream = backend.create_stream("self-test", 1)
        backend.put_record("", "self-test", "key", "", "aGVsbG8=")
        [first] = stream.shards.values()
        backend.split_shard("", "self-test", first.shard_id, str(2**127))
        backend.put_record("", "self-test", "key", "", "aGVsbG8=")
    finally:
        dict.pop(kinesis_backends, SCRATCH_ACCOUNT)
    counts = [len(shard.records) for shard in stream.shards.values()]
    if counts[0] != 1 or sum(counts) != 2 or len(counts) != 3:
        return {"moto.kinesis.models:Stream.split_shard": f"records by shard: {counts}"}
    return {}


class RecordLog(dict[int, Any]):
    """A shard's records by their numbers, which only grow; finds a place in logarithmic time."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []

    @override
    def __setitem__(self, number: int, record: Any) -> None:
        super().__setitem__(number, record)
        self.numbers.append(number)

    def after(self, number: int, limit: int | None) -> list[Any]:
        """Up to `limit` records with greater numbers, oldest first."""
        start = bisect_right(self.numbers, number)
        end = None if limit is None else start + limit
        return [self[found] for found in self.numbers[start:end]]


class _Numbers:
    """Sequence numbers of one stream: 56 digits that grow with each record, whatever its shard."""

    _last_made = itertools.count()

    def __init__(self, now_s: float) -> None:
        self._made_at_s = int(now_s)
        self._counter = itertools.count(1)
        self.identity = f"{now_s:.3f}-{next(self._last_made)}"

    def next(self, shard_index: int, now_s: float) -> int:
        # Digits of 4 bits, as in AWS: layout, time of creation, counter, time, shard, version.
        text = (
            f"2{self._made_at_s:09x}0{next(self._counter):016x}00{int(now_s):09x}{shard_index:08x}2"
        )
        return int(text, 16)


def utc(at_s: float) -> datetime:
    """A moment as moto wants it: UTC, without saying so."""
    return datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None)


def identity_of(stream: Any) -> str:
    """What tells a stream from an earlier one of the same name."""
    numbers: _Numbers = getattr(stream, _NUMBERS)
    return numbers.identity


def last_before(shard: Any, at_s: Any) -> int:
    """Number of the newest record that came before a moment; 0: there is none."""
    log: RecordLog = shard.records
    moment = at_s.replace(tzinfo=UTC).timestamp() if isinstance(at_s, datetime) else float(at_s)
    index = bisect_left(log.numbers, moment, key=lambda number: log[number].created_at)
    return log.numbers[index - 1] if index else 0


def _last_of(shard: Any) -> int:
    numbers = shard.records.numbers
    return int(numbers[-1]) if numbers else 0


def _start_of(shard: Any) -> int:
    return int(getattr(shard, _START))


def _make_shard(original: Any) -> Any:
    def init(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.records = RecordLog()

    return init


def _get_records(original: Any) -> Any:
    def get_records(
        self: Any, last_sequence_id: str, limit: int | None
    ) -> tuple[list[Any], int, int]:
        last = int(last_sequence_id)
        found = self.records.after(last, limit)
        if not found:
            return found, last, 0
        newest = self.records[self.records.numbers[-1]]
        behind_ms = int((newest.created_at - found[-1].created_at) * 1000)
        return found, found[-1].sequence_number, behind_ms

    return get_records


def _init_shards(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def init_shards(self: Any, shard_count: int) -> None:
            setattr(self, _NUMBERS, _Numbers(context.clock.now()))
            original(self, shard_count)
            _number_new_shards(self, context)

        return init_shards

    return make


def _number_new_shards(stream: Any, context: PatchContext) -> None:
    for shard in stream.shards.values():
        if not hasattr(shard, _START):
            setattr(shard, _START, _next_number(stream, shard, context))


def _next_number(stream: Any, shard: Any, context: PatchContext) -> int:
    numbers: _Numbers = getattr(stream, _NUMBERS)
    return numbers.next(shard._shard_id, context.clock.now())


def _find_shard(original: Any) -> Any:
    def get_shard_for_key(self: Any, partition_key: str, explicit_hash_key: str) -> Any:
        original(self, partition_key, explicit_hash_key)  # refuses what is no key
        hashed = int(explicit_hash_key) if explicit_hash_key else _hash(partition_key)
        for shard in self.shards.values():
            # moto fills closed shards, too, and knows no home for the greatest hash of a shard.
            if shard.is_open and shard.starting_hash <= hashed <= shard.ending_hash:
                return shard
        return None

    return get_shard_for_key


def _hash(partition_key: str) -> int:
    from moto.utilities.utils import md5_hash

    return int(md5_hash(partition_key.encode()).hexdigest(), 16)


def _put_record(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_record(
            self: Any, partition_key: str, explicit_hash_key: str, data: str
        ) -> tuple[str, str]:
            from moto.kinesis.models import Record

            shard = self.get_shard_for_key(partition_key, explicit_hash_key)
            number = _next_number(self, shard, context)
            shard.records[number] = Record(partition_key, data, number, explicit_hash_key)
            fact = RecordsAppendedFact(stream_arn=self.arn, shard_id=shard.shard_id)
            context.buffer.tell_once(fact)
            return str(number), shard.shard_id

        return put_record

    return make


def _split_shard(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def split_shard(self: Any, shard_to_split: str, new_starting_hash_key: str) -> None:
            with _history_kept(self, context, shard_to_split):
                original(self, shard_to_split, new_starting_hash_key)

        return split_shard

    return make


def _merge_shards(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def merge_shards(self: Any, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
            _refuse_closed(self, shard_to_merge, adjacent_shard_to_merge)
            given = shard_to_merge, adjacent_shard_to_merge
            # moto understands the lower half first only, and takes that for the parent.
            lower, upper = sorted(given, key=lambda name: self.shards[name].starting_hash)
            with _history_kept(self, context, lower, upper):
                original(self, lower, upper)
                merged = list(self.shards.values())[-1]
                merged.parent, merged.adjacent_parent = given

        return merge_shards

    return make


def _refuse_closed(stream: Any, *shard_ids: str) -> None:
    from moto.kinesis.exceptions import InvalidArgumentError

    for shard_id in shard_ids:
        if not stream.shards[shard_id].is_open:
            raise InvalidArgumentError(
                message=f"Shard {shard_id} in stream {stream.stream_name} under account "
                f"{stream.account_id} has already been merged or split, and thus is not eligible "
                "for merging or splitting."
            )


@contextmanager
def _history_kept(stream: Any, context: PatchContext, *shard_ids: str) -> Iterator[None]:
    """Hide the records of shards, which moto would put again into the new ones."""
    logs = {shard_id: stream.shards[shard_id].records for shard_id in shard_ids}
    for shard_id in shard_ids:
        stream.shards[shard_id].records = RecordLog()
    try:
        yield
    finally:
        for shard_id, log in logs.items():
            stream.shards[shard_id].records = log
    _number_new_shards(stream, context)
    context.buffer.tell_once(StreamChangedFact(stream_arn=stream.arn))


def _telling(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def change(self: Any, *arguments: Any, **named: Any) -> Any:
            stream = original(self, *arguments, **named)
            context.buffer.tell_once(StreamChangedFact(stream_arn=stream.arn))
            return stream

        return change

    return make


def _get_shard_iterator(original: Any) -> Any:
    def get_shard_iterator(
        self: Any, stream_arn: str | None, stream_name: str | None, *rest: Any
    ) -> str:
        # An iterator that was asked for by ARN has to name the stream, too.
        name = self.describe_stream(stream_arn, stream_name).stream_name
        return str(original(self, stream_arn, name, *rest))

    return get_shard_iterator


def _get_records_of_backend(original: Any) -> Any:
    def get_records(
        self: Any, stream_arn: str | None, shard_iterator: str, limit: int | None
    ) -> tuple[str | None, list[Any], int]:
        from moto.kinesis.utils import decompose_shard_iterator

        following, records, behind_ms = original(self, stream_arn, shard_iterator, limit)
        name, shard_id, last = decompose_shard_iterator(following)
        shard = self.describe_stream(stream_arn, name).shards[shard_id]
        is_at_end = not shard.is_open and int(last) >= _last_of(shard)
        return None if is_at_end else following, records, behind_ms

    return get_records
