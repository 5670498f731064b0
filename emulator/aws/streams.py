"""Reading streams: what those of Kinesis and of DynamoDB have in common, and Kinesis's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from emulator.aws.locks import ServiceLocks
from emulator.aws.patches.kinesis import identity_of, last_before
from emulator.aws.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamRecord:
    """One record of a shard."""

    number: int  # its sequence number; grows within a shard
    key: str  # records of one key keep their order
    arrived_at: float  # seconds since the epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class KinesisRecord(StreamRecord):
    """A record of a Kinesis stream; `key` is its partition key."""

    data: str  # base64
    is_encrypted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRecord(StreamRecord):
    """A change of an item; `key` is the item's key."""

    document: Mapping[str, Any]  # as GetRecords has it, but for the time


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamShard:
    """A part of a stream with an order of its own."""

    id: str
    parents: tuple[str, ...] = ()  # what was split or merged into it
    is_closed: bool = False  # nothing is appended any more


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamDescription:
    """A stream as it is now."""

    identity: str  # another one for a stream that was deleted and made again
    retention_s: float
    shards: Sequence[StreamShard] = field(default_factory=tuple)


class StreamReader(Protocol):
    """Reads the streams of one service. Any thread may call that holds no lock of moto."""

    def when_loaded(self, action: Callable[[], None]) -> bool:
        """Run `action` when the service is used first; False: it is, and `action` was not run."""

    def describe(self, stream_arn: str) -> StreamDescription | None:
        """The stream; None: there is none of this ARN."""

    def read(self, stream_arn: str, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
        """Up to `limit` records behind number `after`, oldest first; none of a missing shard."""

    def last_number(self, stream_arn: str, shard_id: str, before: float | None = None) -> int:
        """Number of the newest record, or the newest one older than a moment; 0: none."""


class Streams:
    """The streams of Kinesis. What `read` costs does not depend on what was read before."""

    def __init__(self, services: Services, locks: ServiceLocks) -> None:
        self._services = services
        self._locks = locks

    def when_loaded(self, action: Callable[[], None]) -> bool:
        """Run `action` when the service is used first; False: it is, and `action` was not run."""
        if self._services.is_loaded("kinesis"):
            return False
        self._services.when_loaded("kinesis", action)
        return True

    def describe(self, stream_arn: str) -> StreamDescription | None:
        """The stream; None: there is none of this ARN."""
        self._services.load("kinesis")
        with self._locks.hold("kinesis"):
            stream = _find(stream_arn)
            if stream is None:
                return None
            return StreamDescription(
                identity=identity_of(stream),
                retention_s=stream.retention_period_hours * 3600.0,
                shards=tuple(_shard(shard) for shard in stream.shards.values()),
            )

    def read(self, stream_arn: str, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
        """Up to `limit` records behind number `after`, oldest first; none of a missing shard."""
        self._services.load("kinesis")
        with self._locks.hold("kinesis"):
            stream = _find(stream_arn)
            if stream is None or shard_id not in stream.shards:
                return []
            records = stream.shards[shard_id].records.after(after, limit)
            is_encrypted = stream.encryption_type == "KMS"
        return [
            KinesisRecord(
                number=record.sequence_number,
                key=record.partition_key,
                arrived_at=record.created_at,
                data=record.data,
                is_encrypted=is_encrypted,
            )
            for record in records
        ]

    def last_number(self, stream_arn: str, shard_id: str, before: float | None = None) -> int:
        """Number of the newest record, or the newest one older than a moment; 0: none."""
        self._services.load("kinesis")
        with self._locks.hold("kinesis"):
            stream = _find(stream_arn)
            if stream is None or shard_id not in stream.shards:
                return 0
            shard = stream.shards[shard_id]
            return int(
                shard.get_max_sequence_number() if before is None else last_before(shard, before)
            )


def _find(stream_arn: str) -> Any:
    """moto's stream, also by the ARN of a consumer, or None; the lock of Kinesis must be held."""
    from moto.kinesis.models import kinesis_backends

    _, _, _, region, account, resource = stream_arn.split(":", 5)
    regions = kinesis_backends[account]
    return regions[region].streams.get(resource.split("/")[1]) if region in regions else None


def _shard(shard: Any) -> StreamShard:
    parents = tuple(parent for parent in (shard.parent, shard.adjacent_parent) if parent)
    return StreamShard(id=shard.shard_id, parents=parents, is_closed=not shard.is_open)
