"""One event source mapping: which queue or stream is read for which function, and how."""

from dataclasses import dataclass

UNLIMITED = -1  # of retries and of a record's age


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDescription:
    """What a new mapping must know of the queue or stream that it is to read."""

    visibility_timeout_s: int | None = None  # of a queue


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSourceMapping:
    """What a poller needs to know; the API's further members belong to the control room.

    Source: spec/event-source-mappings.md section 2.
    """

    uuid: str
    account: str
    region: str
    source_arn: str
    function_arn: str  # qualified only if the mapping was made so
    batch_size: int
    window_s: int = 0
    is_enabled: bool = True
    reports_item_failures: bool = False
    filters: tuple[str, ...] = ()  # patterns as JSON texts, any of which lets a record through
    counts_events: bool = False  # MetricsConfig has EventCount
    kms_key_arn: str = ""  # the filters' key: shown, not used
    # SQS
    maximum_concurrency: int | None = None
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    # Kinesis and DynamoDB
    starting_position: str | None = None  # TRIM_HORIZON, LATEST, AT_TIMESTAMP
    starting_at: float | None = None  # seconds since the epoch, for AT_TIMESTAMP
    parallelization_factor: int = 1
    maximum_record_age_s: int = UNLIMITED
    maximum_retries: int = UNLIMITED
    bisects_batch: bool = False
    tumbling_window_s: int = 0
    on_failure_arn: str | None = None

    @property
    def service(self) -> str:
        """`sqs`, `kinesis` or `dynamodb`."""
        return self.source_arn.split(":")[2]
