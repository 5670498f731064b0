"""What makes a function durable: how long one execution may take, and how long it is kept."""

from dataclasses import dataclass
from typing import Final

EXECUTION_TIMEOUT_S: Final = 86_400  # of a function that names none
EXECUTION_TIMEOUT_MAXIMUM_S: Final = 31_622_400  # 366 days
RETENTION_DAYS: Final = 30
RETENTION_MAXIMUM_DAYS: Final = 90
SYNC_EXECUTION_S: Final = 900  # a caller waits for no execution that may take longer


@dataclass(frozen=True, kw_only=True, slots=True)
class DurableConfig:
    """`DurableConfig` of a function."""

    execution_timeout_s: int = EXECUTION_TIMEOUT_S
    retention_days: int = RETENTION_DAYS  # after the execution has ended
    kms_key_arn: str = ""  # nothing is encrypted here
