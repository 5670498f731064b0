import json
from typing import Any

import pytest

from emulator.event_sources.stream_rules import (
    Batch,
    Outcome,
    Window,
    age_limit_s,
    count_done,
    count_expired,
    count_fitting,
    follow_up,
    judge,
    window_of,
)
from emulator.model import limits
from tests.event_sources.stream_lab import batch, entry, numbers

FAILED = Outcome(done=0, is_success=False)
THROTTLED = Outcome(done=0, is_success=False, has_run=False)
WINDOW = Window(start=0.0, end=60.0)


def items(*identifiers: object) -> bytes:
    failures = [{"itemIdentifier": identifier} for identifier in identifiers]
    return json.dumps({"batchItemFailures": failures}).encode()


@pytest.mark.parametrize(
    ("payload", "done"),
    [
        (b"null", 3),
        (b"{}", 3),
        (b'""', 3),
        (b'"whatever"', 3),
        (b"[1]", 3),
        (b'{"batchItemFailures":[]}', 3),
        (b'{"batchItemFailures":null}', 3),
        (items("12"), 1),
        (items("13", "12"), 1),  # the lowest, whatever the order
        (items("13"), 2),
        (items("11"), 0),
        (items("12", "12"), 1),
        (b"", None),  # a custom runtime may answer anything
        (b"no json", None),
        (items(""), None),
        (items(None), None),
        (items(12), None),
        (items("99"), None),
        (items("12", "99"), None),
        (b'{"batchItemFailures":[{"wrong":"12"}]}', None),
        (b'{"batchItemFailures":["12"]}', None),
        (b'{"batchItemFailures":"12"}', None),
        (b'{"batchItemFailures":{}}', None),
    ],
)
def test_a_response_says_how_much_is_done(payload: bytes, done: int | None) -> None:
    assert count_done(payload, [11, 12, 13]) == done


@pytest.mark.parametrize(
    ("payload", "function_error", "reports", "window", "expected"),
    [
        (b"null", None, False, None, (3, True, False)),
        (items("2"), None, False, None, (3, True, False)),  # nobody asked for it
        (items("2"), None, True, None, (1, False, True)),
        (items("x"), None, True, None, (0, False, False)),
        (items("2"), "Unhandled", True, None, (0, False, False)),
        (b'{"state":{}}', None, False, WINDOW, (3, True, False)),
        (b"null", None, False, WINDOW, (0, False, False)),  # no state
        (b'{"state":"x"}', None, False, WINDOW, (0, False, False)),
        (b"no json", None, False, WINDOW, (0, False, False)),
    ],
)
def test_an_answer_is_judged(
    payload: bytes,
    function_error: str | None,
    reports: bool,
    window: Window | None,
    expected: tuple[int, bool, bool],
) -> None:
    outcome = judge(
        batch(1, 2, 3, window=window), payload, function_error, reports_item_failures=reports
    )
    assert (outcome.done, outcome.is_success, outcome.names_failure) == expected
    assert outcome.function_error == function_error


def test_state_is_kept_with_a_partial_failure() -> None:
    payload = json.dumps({"state": {"n": 1}, **json.loads(items("2"))}).encode()
    outcome = judge(batch(1, 2, window=WINDOW), payload, None, reports_item_failures=True)
    assert (outcome.done, outcome.state) == (1, {"n": 1})


NARROWED = Outcome(done=1, is_success=False, names_failure=True)
NAMED_FIRST = Outcome(done=0, is_success=False, names_failure=True)


@pytest.mark.parametrize(
    ("before", "outcome", "options", "again", "given_up"),
    [
        # (attempts, numbers), …; what is given up: attempts
        (batch(1, 2), Outcome(done=2, is_success=True), {}, [], None),
        (batch(1, 2), FAILED, {}, [(1, [1, 2])], None),
        (batch(1, 2, attempts=9), FAILED, {}, [(10, [1, 2])], None),
        (batch(1), FAILED, {"maximum_retries": 0}, [], 1),
        (batch(1, attempts=1), FAILED, {"maximum_retries": 2}, [(2, [1])], None),
        (batch(1, attempts=2), FAILED, {"maximum_retries": 2}, [], 3),
        (batch(1, attempts=2), THROTTLED, {"maximum_retries": 2}, [(2, [1])], None),
        (batch(1, 2, 3), FAILED, {"bisects": True}, [(0, [1]), (0, [2, 3])], None),
        (
            batch(1, 2, attempts=1),
            FAILED,
            {"bisects": True, "maximum_retries": 1},
            [(1, [1]), (1, [2])],
            None,
        ),
        (batch(1), FAILED, {"bisects": True, "maximum_retries": 1}, [(1, [1])], None),
        (batch(1), FAILED, {"bisects": True, "maximum_retries": 0}, [], 1),
        (batch(1, 2), THROTTLED, {"bisects": True}, [(0, [1, 2])], None),
        (batch(1, 2, 3, attempts=3), NARROWED, {"maximum_retries": 3}, [(0, [2, 3])], None),
        (batch(1, 2, 3), NARROWED, {"bisects": True}, [(0, [2, 3])], None),
        (batch(1, 2), NAMED_FIRST, {"bisects": True}, [(1, [1, 2])], None),
        (batch(1, 2), NAMED_FIRST, {"maximum_retries": 0}, [], 1),
    ],
)
def test_what_follows_from_an_outcome(
    before: Batch,
    outcome: Outcome,
    options: dict[str, Any],
    again: list[tuple[int, list[int]]],
    given_up: int | None,
) -> None:
    found = follow_up(before, outcome, **{"maximum_retries": -1, "bisects": False} | options)
    assert [(one.attempts, numbers(one)) for one in found.again] == again
    assert (found.given_up and found.given_up.attempts) == given_up


def delay_after(attempts: int) -> float:
    """Seconds before the next attempt, when one fails that had so many before it."""
    before = batch(1, attempts=attempts)
    return follow_up(before, FAILED, maximum_retries=-1, bisects=False).delay_s


def test_eight_attempts_fit_into_the_first_minute() -> None:
    at_s, attempts = 0.0, 0
    while at_s < 60:
        at_s += delay_after(attempts)
        attempts += 1
    assert attempts == 8
    assert delay_after(10_000) == 60
    assert follow_up(batch(1, 2, attempts=5), FAILED, maximum_retries=-1, bisects=True).delay_s == 0
    assert follow_up(batch(1, 2), NARROWED, maximum_retries=-1, bisects=False).delay_s == 0


def test_old_records_are_counted_from_the_head() -> None:
    entries = [entry(1, 0.0), entry(2, 40.0), entry(3, 50.0)]
    ages = {60.0: 0, 60.1: 1, 100.0: 1, 100.5: 2, 1000.0: 3}
    assert {now: count_expired(entries, now, 60.0) for now in ages} == ages
    assert [
        age_limit_s(*pair) for pair in ((-1, 86_400.0), (60, 86_400.0), (90_000, 86_400.0))
    ] == [
        86_400.0,
        60.0,
        86_400.0,
    ]


def test_windows_are_aligned_to_the_epoch() -> None:
    assert window_of(125.5, 60) == Window(start=120.0, end=180.0)
    assert window_of(180.0, 60) == Window(start=180.0, end=240.0)


MIB = b"x" * 1_048_576


@pytest.mark.parametrize(
    ("entries", "options", "expected"),
    [
        ([entry(1)], (10, 2, 0), (1, False)),
        ([entry(n) for n in range(10)], (10, 2, 0), (10, True)),
        ([entry(n) for n in range(11)], (10, 2, 0), (10, True)),
        ([entry(n, body=MIB) for n in range(5)], (10, 2, 0), (5, False)),
        ([entry(n, body=MIB) for n in range(7)], (10, 2, 0), (5, True)),  # 6 MiB with the rest
        ([entry(n, body=MIB) for n in range(5)], (10, 1_000_000, 0), (5, False)),
        ([entry(n, body=MIB) for n in range(6)], (10, 1_000_000, 0), (5, True)),
        ([entry(1, body=7 * MIB), entry(2)], (10, 2, 0), (1, True)),  # one fits always
        ([entry(1, 10.0), entry(2, 59.9), entry(3, 60.0)], (10, 2, 60), (2, True)),
        ([entry(1, 10.0), entry(2, 59.9), entry(3, 60.0)], (10, 2, 0), (3, False)),
        ([], (10, 2, 60), (0, False)),
    ],
)
def test_a_batch_has_room_for(
    entries: list[Any], options: tuple[int, int, int], expected: tuple[int, bool]
) -> None:
    assert count_fitting(entries, *options) == expected
    count = expected[0]
    if count > 1:
        assert sum(len(one.body) for one in entries[:count]) < limits.SYNC_REQUEST_BYTES
