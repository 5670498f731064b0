"""Records of a Kinesis stream, and changes of a DynamoDB table, that a function gets in batches."""

import uuid
from dataclasses import dataclass
from typing import Final

from emulator.model.arn import DEFAULT_ACCOUNT, DEFAULT_REGION
from emulator.model.mapping import UNLIMITED, EventSourceMapping

# The same at each start.
_MAPPING_IDS: Final = uuid.UUID("5f6b8a1e-6d0c-4c5e-9a55-0f3f3c1f7d42")
POSITIONS: Final = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamOptions:
    """How a stream is read; the defaults are Lambda's, but for the position."""

    batch_size: int = 100
    window_s: int = 0
    filters: tuple[str, ...] = ()  # JSON
    report_item_failures: bool = False
    starting_position: str = POSITIONS[0]
    starting_at: float | None = None  # seconds since the epoch, for AT_TIMESTAMP
    parallelization_factor: int = 1
    maximum_record_age_s: int = UNLIMITED
    maximum_retries: int = UNLIMITED
    bisect_batch: bool = False
    tumbling_window_s: int = 0
    on_failure: str | None = None  # ARN of a queue, topic or bucket

    def mapping(self, identity: str, source_arn: str, function_arn: str) -> EventSourceMapping:
        """The event source mapping it stands for. identity: of the source, the same for ever."""
        return EventSourceMapping(
            uuid=str(uuid.uuid5(_MAPPING_IDS, f"{identity} {function_arn}")),
            account=DEFAULT_ACCOUNT,
            region=DEFAULT_REGION,
            source_arn=source_arn,
            function_arn=function_arn,
            batch_size=self.batch_size,
            window_s=self.window_s,
            filters=self.filters,
            reports_item_failures=self.report_item_failures,
            starting_position=self.starting_position,
            starting_at=self.starting_at,
            parallelization_factor=self.parallelization_factor,
            maximum_record_age_s=self.maximum_record_age_s,
            maximum_retries=self.maximum_retries,
            bisects_batch=self.bisect_batch,
            tumbling_window_s=self.tumbling_window_s,
            on_failure_arn=self.on_failure,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class KinesisTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "kinesis"`."""

    stream: str
    options: StreamOptions = StreamOptions()

    @property
    def summary(self) -> str:
        """`kinesis://clicks`, for tables and log lines."""
        return f"kinesis://{self.stream}"

    def mapping(self, function_arn: str) -> EventSourceMapping:
        """The event source mapping it stands for; its UUID is the same at each start."""
        arn = f"arn:aws:kinesis:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:stream/{self.stream}"
        return self.options.mapping(arn, arn, function_arn)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "dynamodb"`."""

    table: str
    options: StreamOptions = StreamOptions()

    @property
    def summary(self) -> str:
        """`dynamodb://orders`, for tables and log lines."""
        return f"dynamodb://{self.table}"

    @property
    def table_arn(self) -> str:
        """ARN of the table."""
        return f"arn:aws:dynamodb:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:table/{self.table}"

    def mapping(self, function_arn: str, stream_arn: str) -> EventSourceMapping:
        """The event source mapping it stands for, which the stream's ARN does not identify."""
        return self.options.mapping(self.table_arn, stream_arn, function_arn)
