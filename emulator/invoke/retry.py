"""When an asynchronous event is tried again, and when it is given up.

Source: spec/async-and-destinations.md section 1.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from emulator.model import EventInvokeConfig, limits

_FIRST_BACK_OFF_S, _LARGEST_BACK_OFF_S = limits.ASYNC_THROTTLE_DELAY_S


class Condition(StrEnum):
    """How an event ended, in the words of a destination record."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How long Lambda tries."""

    retries: int = len(limits.ASYNC_RETRY_DELAYS_S)
    max_age_s: float = limits.ASYNC_MAX_AGE_S


DEFAULT_POLICY: Final = RetryPolicy()


def policy_of(config: EventInvokeConfig) -> RetryPolicy:
    """What a function's settings make of it."""
    if config.retries is None and config.max_age_s is None:
        return DEFAULT_POLICY
    return RetryPolicy(
        retries=DEFAULT_POLICY.retries if config.retries is None else config.retries,
        max_age_s=DEFAULT_POLICY.max_age_s if config.max_age_s is None else config.max_age_s,
    )


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
