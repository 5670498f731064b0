"""When an asynchronous event is tried again, and when it is given up.

Source: spec/async-and-destinations.md section 1.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from emulator.model import limits

# Lambda never waits longer between two attempts than it keeps an event, so this is all there is.
_FIRST_BACK_OFF_S, _LARGEST_BACK_OFF_S = limits.ASYNC_THROTTLE_DELAY_S


class Condition(StrEnum):
    """Why an event is given up, in the words of a destination record."""

    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How long Lambda tries."""

    retries: int = len(limits.ASYNC_RETRY_DELAYS_S)
    max_age_s: float = limits.ASYNC_MAX_AGE_S


DEFAULT_POLICY: Final = RetryPolicy()


def after_function_error(
    attempts: int, age_s: float, policy: RetryPolicy = DEFAULT_POLICY
) -> float | Condition:
    """Seconds to wait after attempt number `attempts` failed, or why there is no further one."""
    if attempts > policy.retries:
        return Condition.RETRIES_EXHAUSTED
    return _within_age(limits.ASYNC_RETRY_DELAYS_S[attempts - 1], age_s, policy)


def after_refusal(
    refusals: int, age_s: float, policy: RetryPolicy = DEFAULT_POLICY
) -> float | Condition:
    """Seconds to wait after the function could not be run `refusals` times in a row.

    Throttling and service errors do not count as attempts.
    """
    delay_s = min(_LARGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2.0 ** (refusals - 1))
    return _within_age(delay_s, age_s, policy)


def _within_age(delay_s: float, age_s: float, policy: RetryPolicy) -> float | Condition:
    return delay_s if age_s + delay_s < policy.max_age_s else Condition.EVENT_AGE_EXCEEDED
