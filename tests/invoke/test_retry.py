"""When an event is tried again."""

import pytest

from emulator.invoke.retry import Condition, RetryPolicy, after_function_error, after_refusal

HOUR = 3600.0
EXHAUSTED, TOO_OLD = Condition.RETRIES_EXHAUSTED, Condition.EVENT_AGE_EXCEEDED


@pytest.mark.parametrize(
    ("attempts", "age_s", "policy", "verdict"),
    [
        (1, 0.5, RetryPolicy(), 60.0),
        (2, 61.0, RetryPolicy(), 120.0),
        (3, 182.0, RetryPolicy(), EXHAUSTED),
        (1, 5 * HOUR, RetryPolicy(), 60.0),
        (1, 6 * HOUR - 60, RetryPolicy(), TOO_OLD),
        (1, 0.0, RetryPolicy(retries=0), EXHAUSTED),
        (2, 61.0, RetryPolicy(retries=1), EXHAUSTED),
        # Recorded at AWS: with a maximum age of 60 s a failing function runs once, with 90 twice.
        (1, 0.0, RetryPolicy(max_age_s=60), TOO_OLD),
        (1, 0.5, RetryPolicy(max_age_s=90), 60.0),
        (2, 61.0, RetryPolicy(max_age_s=90), TOO_OLD),
    ],
)
def test_after_a_function_error(
    attempts: int, age_s: float, policy: RetryPolicy, verdict: float | Condition
) -> None:
    assert after_function_error(attempts, age_s, policy) == verdict


@pytest.mark.parametrize(
    ("refusals", "age_s", "verdict"),
    [
        (1, 0.0, 1.0),
        (2, 1.0, 2.0),
        (3, 3.0, 4.0),
        (9, 255.0, 256.0),
        (10, 511.0, 300.0),
        (70, 5 * HOUR, 300.0),
        (80, 6 * HOUR - 300, TOO_OLD),
    ],
)
def test_after_throttling(refusals: int, age_s: float, verdict: float | Condition) -> None:
    assert after_refusal(refusals, age_s) == verdict
