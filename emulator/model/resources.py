"""Resources of other services that a project lists, to be made when they are missing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One of them, by its name; a kind that needs to know more is a class of its own."""

    kind: str  # "bucket", "queue", "topic", "event bus", "stream", "table"
    name: str

    @property
    def summary(self) -> str:
        """`bucket photos`, for log lines."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueResource(Resource):
    """An SQS queue; a FIFO queue's name ends with .fifo."""

    kind: str = "queue"
    visibility_timeout_s: int = 30
    dead_letter_queue: str | None = None  # gets what was received `max_receives` times
    max_receives: int = 3
    is_declared: bool = False  # True: this holds for a queue that is there already, too


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamResource(Resource):
    """A Kinesis stream."""

    kind: str = "stream"
    shards: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TableResource(Resource):
    """A DynamoDB table, paid for by request."""

    kind: str = "table"
    partition_key: tuple[str, str] = ("id", "S")  # attribute, type
    sort_key: tuple[str, str] | None = None
    stream_view: str | None = None  # NEW_AND_OLD_IMAGES, …; None: no stream
