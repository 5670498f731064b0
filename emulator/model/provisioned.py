"""Provisioned concurrency of a function version: what was asked for, and what is there."""

from enum import Enum
from typing import Final

from emulator.model.value import value

INIT_FAILURE: Final = "FUNCTION_ERROR_INIT_FAILURE"


class ProvisionedStatus(Enum):
    """How far it is, in Lambda's words."""

    IN_PROGRESS = "IN_PROGRESS"
    READY = "READY"
    FAILED = "FAILED"


@value
class ProvisionedConcurrency:
    """What was asked for."""

    executions: int
    modified_at: float  # seconds since the epoch


@value
class ProvisionedState:
    """What is there: environments that have initialised, and why there are not more."""

    status: ProvisionedStatus
    available: int
    reason: str | None = None


NONE_YET: Final = ProvisionedState(status=ProvisionedStatus.IN_PROGRESS, available=0)
