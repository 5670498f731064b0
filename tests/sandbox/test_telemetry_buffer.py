"""What waits for a subscriber, and when it is due."""

import pytest

from emulator.runtime_api import Destination, Subscription, TelemetryApi
from emulator.sandbox.telemetry_buffer import TelemetryBuffer


def subscription(max_items: int = 3, max_bytes: int = 10, timeout_ms: int = 1_000) -> Subscription:
    return Subscription(
        api=TelemetryApi.TELEMETRY,
        schema="2022-12-13",
        types=("platform", "function"),
        destination=Destination(port=1),
        max_items=max_items,
        max_bytes=max_bytes,
        timeout_ms=timeout_ms,
    )


def buffer(*records: bytes, at_s: float = 5.0) -> TelemetryBuffer:
    made = TelemetryBuffer(subscription())
    for record in records:
        made.add(record, at_s)
    return made


def test_nothing_is_due_while_nothing_waits() -> None:
    assert buffer().due_s() is None


def test_the_oldest_record_waits_as_long_as_was_asked_for() -> None:
    made = buffer(b"a")
    made.add(b"b", 5.5)
    assert made.due_s() == 6.0
    assert made.take() == [b"a", b"b"]
    assert made.due_s() is None


@pytest.mark.parametrize("records", [[b"a"] * 3, [b"x" * 10], [b"x" * 5] * 2])
def test_a_full_batch_is_due_at_once(records: list[bytes]) -> None:
    assert buffer(*records).due_s() == 0.0


BATCHES = [
    ([b"a"] * 7, [3, 3, 1]),
    ([b"x" * 4] * 4, [2, 2]),
    ([b"x" * 40, b"a"], [1, 1]),  # one that is larger than a batch may be goes alone
]


@pytest.mark.parametrize(("records", "sizes"), BATCHES)
def test_batches_keep_both_limits_and_the_order(records: list[bytes], sizes: list[int]) -> None:
    made = buffer(*records)
    batches = [made.take() for _ in sizes]
    assert [len(batch) for batch in batches] == sizes
    assert [record for batch in batches for record in batch] == records
    assert len(made) == 0


def test_what_was_flushed_is_due_and_what_came_later_is_not() -> None:
    made = buffer(b"a", b"b")
    made.flush()
    made.add(b"c", 5.0)
    assert made.due_s() == 0.0
    assert made.take() == [b"a", b"b"]
    assert made.due_s() == 6.0
    assert made.take() == [b"c"]


def test_a_batch_that_comes_back_goes_first() -> None:
    made = buffer(b"a", b"b")
    batch = made.take()
    made.add(b"c", 7.0)
    made.put_back(batch, 8.0)
    assert made.due_s() == 0.0
    assert made.take() == [b"a", b"b"]
    assert made.take() == [b"c"]


def test_what_is_too_much_is_dropped_and_counted_once() -> None:
    made = buffer(*[b"x" * 10] * 8)
    made.add(b"y" * 3, 5.0)
    made.add(b"z", 5.0)
    assert len(made) == 8
    assert made.take_dropped() == (2, 4)
    assert made.take_dropped() is None
    made.take()
    made.add(b"y", 5.0)
    assert len(made) == 8
