"""Messages of a queue that a function gets in batches."""

import uuid
from dataclasses import dataclass
from typing import Final

from emulator.model.arn import DEFAULT_ACCOUNT, DEFAULT_REGION
from emulator.model.mapping import EventSourceMapping

_MAPPING_IDS: Final = uuid.UUID("b3c0a0f4-3c55-4f0e-9d51-8d1a4f0f2a60")  # the same at each start


@dataclass(frozen=True, kw_only=True, slots=True)
class SqsTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "sqs"`."""

    queue: str
    batch_size: int = 10
    window_s: int = 0
    filters: tuple[str, ...] = ()  # JSON
    report_item_failures: bool = False
    maximum_concurrency: int | None = None

    @property
    def summary(self) -> str:
        """`sqs://orders`, for tables and log lines."""
        return f"sqs://{self.queue}"

    def mapping(self, function_arn: str) -> EventSourceMapping:
        """The event source mapping it stands for; its UUID is the same at each start."""
        source_arn = f"arn:aws:sqs:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:{self.queue}"
        return EventSourceMapping(
            uuid=str(uuid.uuid5(_MAPPING_IDS, f"{source_arn} {function_arn}")),
            account=DEFAULT_ACCOUNT,
            region=DEFAULT_REGION,
            source_arn=source_arn,
            function_arn=function_arn,
            batch_size=self.batch_size,
            window_s=self.window_s,
            filters=self.filters,
            reports_item_failures=self.report_item_failures,
            maximum_concurrency=self.maximum_concurrency,
        )
