from pathlib import Path

import pytest

from emulator.model import Clock
from emulator.storage import Documents, kept_clock

DAY_S = 86_400.0


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path / "documents.sqlite")


def ahead_s(clock: Clock) -> float:
    return clock.now() - clock.machine_now()


def test_a_clock_that_was_moved_goes_on_as_far_ahead(documents: Documents) -> None:
    first = kept_clock(documents)
    first.advance(DAY_S)
    first.advance(60)
    second = kept_clock(documents)
    assert second.ahead_s == DAY_S + 60
    assert ahead_s(second) == pytest.approx(DAY_S + 60, abs=1)
    assert not second.is_frozen
    second.advance(40)
    assert kept_clock(documents).ahead_s == DAY_S + 100
    assert kept_clock(documents).monotonic() == pytest.approx(Clock().monotonic(), abs=1)


def test_a_clock_that_was_frozen_stands_where_it_stood(documents: Documents) -> None:
    first = kept_clock(documents)
    first.freeze(True)
    first.advance(DAY_S)
    second = kept_clock(documents)
    assert second.is_frozen
    assert second.now() == pytest.approx(first.now(), abs=1e-3)
    second.freeze(False)
    third = kept_clock(documents)
    assert not third.is_frozen
    assert third.now() >= first.now()
    assert ahead_s(third) == pytest.approx(DAY_S, abs=5)


def test_a_clock_that_nobody_moved_shows_the_machines_time(documents: Documents) -> None:
    kept_clock(documents)
    clock = kept_clock(documents)
    assert (clock.ahead_s, clock.is_frozen) == (0.0, False)
    assert ahead_s(clock) == pytest.approx(0, abs=1)
    documents.put("clock", "", {"ahead_s": DAY_S, "frozen_at": None})
    documents.clear()  # a reset
    assert kept_clock(documents).ahead_s == 0.0
