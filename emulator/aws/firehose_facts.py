"""What Firehose tells: records that a function is to transform on their way to a bucket."""

from dataclasses import dataclass

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class FirehoseRecord:
    """A record as it was put."""

    id: str
    data: bytes
    at_s: float  # when it arrived


@dataclass(frozen=True, kw_only=True, slots=True)
class Transformation:
    """The Lambda processor of a delivery stream, and the bucket behind it."""

    function_arn: str
    bucket: str
    retries: int = 3
    buffer_bytes: int = 1_048_576
    buffer_s: float = 60.0
    delimiter: bytes = b""  # put after each record
    prefix: str = ""
    error_prefix: str | None = None
    extension: str = ""
    is_compressed: bool = False  # by gzip
    is_partitioned: bool = False  # by the keys that the function returns
    time_zone: str = "UTC"
    not_built: tuple[str, ...] = ()  # settings that are not obeyed


@dataclass(frozen=True, kw_only=True, slots=True)
class FirehoseRecordsFact(Fact):
    """Records were put into a delivery stream that has a function transform them."""

    stream_arn: str
    version: str  # of the stream's configuration
    transformation: Transformation
    records: tuple[FirehoseRecord, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirehoseDeletedFact(Fact):
    """A delivery stream was deleted, and with it what has not been delivered."""

    stream_arn: str
