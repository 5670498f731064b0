"""What happened to a stream of Kinesis or of a DynamoDB table."""

from dataclasses import dataclass

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordsAppendedFact(Fact):
    """There is something new to read in a shard; one fact for all records of a request."""

    stream_arn: str
    shard_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChangedFact(Fact):
    """A stream was made, deleted, split, merged, enabled or disabled."""

    stream_arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemExpiresFact(Fact):
    """Items of a table with a time to live may have to be deleted at this time, or were due."""

    table_arn: str
    at_s: float  # seconds since the epoch
