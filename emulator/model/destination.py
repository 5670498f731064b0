"""What is sent to a destination or a dead-letter queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationMessage:
    """A document, and what each kind of target wants to know besides.

    account, region: the function's, for a target whose ARN names none (an S3 bucket).
    """

    target_arn: str  # a queue, topic, function, event bus or bucket
    account: str
    region: str
    body: str  # JSON
    trace_header: str | None = None
    attributes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # queues, topics
    object_key: str = ""  # buckets
    detail_type: str = ""  # event buses
    resources: Sequence[str] = ()  # event buses: beside the bus itself
    cause: str | None = None  # functions: request id of the invocation behind it


class DestinationError(Exception):
    """A target did not take a message; the text says why."""
