import io
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from emulator.event_sources import Alarms
from emulator.model import Clock
from emulator.observe import Reporter


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alarms(clock: Clock) -> Iterator[Alarms]:
    reporter = Reporter(io.StringIO())
    made = Alarms(clock, reporter)
    yield made
    made.stop()
    reporter.stop()


def test_an_alarm_rings_when_its_time_has_come(alarms: Alarms, clock: Clock) -> None:
    rang = Event()
    alarms.set(clock.monotonic() + 0.01, rang.set)
    assert rang.wait(5)


def test_who_moves_a_frozen_clock_finds_what_was_due_rung_in_order(
    alarms: Alarms, clock: Clock
) -> None:
    clock.freeze(True)
    rung: list[int] = []
    for seconds in (60, 20, 120):
        alarms.set(clock.monotonic() + seconds, lambda seconds=seconds: rung.append(seconds))  # type: ignore[misc]  # a loop's value
    clock.advance(60)
    assert rung == [20, 60]


def test_a_cancelled_alarm_is_silent(alarms: Alarms, clock: Clock) -> None:
    rung: list[int] = []
    alarms.set(clock.monotonic() + 60, lambda: rung.append(1)).cancel()
    alarms.set(clock.monotonic() + 60, lambda: rung.append(2))
    clock.advance(61)
    assert rung == [2]


def test_cancelled_alarms_do_not_pile_up_until_they_were_due(alarms: Alarms, clock: Clock) -> None:
    year_s = 86_400.0 * 365
    rung: list[int] = []
    for number in range(50):
        alarms.set(clock.monotonic() + year_s, lambda number=number: rung.append(number))  # type: ignore[misc]  # a loop's value
    for _ in range(5_000):
        alarms.set(clock.monotonic() + year_s, lambda: rung.append(-1)).cancel()
    assert alarms.count() < 500
    clock.advance(year_s + 1)
    assert rung == list(range(50))


def test_an_alarm_whose_bell_is_broken_does_not_silence_the_others(
    alarms: Alarms, clock: Clock
) -> None:
    rung: list[int] = []
    alarms.set(clock.monotonic() + 1, lambda: rung.remove(7))
    alarms.set(clock.monotonic() + 2, lambda: rung.append(2))
    clock.advance(3)
    assert rung == [2]


def test_an_alarm_in_a_million_years_does_not_silence_the_others(
    alarms: Alarms, clock: Clock
) -> None:
    for never_s in (1e13, 1e300, float("inf")):
        alarms.set(clock.monotonic() + never_s, lambda: None)
    rang = Event()
    alarms.set(clock.monotonic() + 0.05, rang.set)
    assert rang.wait(5)
    rang.clear()
    alarms.set(clock.monotonic() + 0.05, rang.set)  # by now the next alarm is far away
    assert rang.wait(5)


def test_who_moves_the_clock_waits_for_an_alarm_that_is_ringing(
    alarms: Alarms, clock: Clock
) -> None:
    rings, may_end, has_moved = Event(), Event(), Event()

    def ring() -> None:
        rings.set()
        may_end.wait(5)

    def move() -> None:
        clock.advance(1)
        has_moved.set()

    alarms.set(clock.monotonic() + 0.01, ring)
    assert rings.wait(5)  # on the thread "alarms"
    mover = Thread(target=move)
    mover.start()
    assert not has_moved.wait(0.05)
    may_end.set()
    mover.join(5)
    assert has_moved.is_set()
