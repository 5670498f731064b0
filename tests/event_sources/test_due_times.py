"""What is due is called once, whoever moves the clock and when."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.alarms import Alarm
from emulator.event_sources.due_times import MAXIMUM_MISSED, DueTimes, Plan
from emulator.event_sources.lanes import Lanes
from emulator.model.schedule_expression import Once, Rate
from tests.aws.conftest import Aws
from tests.event_sources.conftest import settle


@pytest.fixture
def due_times(surroundings: Surroundings) -> Iterator[DueTimes]:
    lanes = Lanes("test", surroundings.activity, surroundings.reporter)
    surroundings.clock.freeze(True)
    made = DueTimes(surroundings, "test", lanes)
    yield made
    made.reset()
    surroundings.clock.freeze(False)
    lanes.stop(1)


def test_many_movers_of_the_clock_make_each_time_come_once_and_in_order(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    clock = surroundings.clock
    start_s = clock.now()
    fired: dict[int, list[float]] = {number: [] for number in range(20)}
    for number, times in fired.items():
        timetable = Rate(period_s=60, start_s=start_s + number)
        due_times.set(str(number), Plan(timetable=timetable, fire=times.append), start_s)

    def move() -> None:
        for _ in range(60):
            clock.advance(7.0)

    movers = [threading.Thread(target=move) for _ in range(4)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    settle(surroundings)
    passed_s = clock.now() - start_s
    for number, times in fired.items():
        assert len(times) == int((passed_s - number + 1e-3) // 60)
        assert all(later - earlier == pytest.approx(60) for earlier, later in pairwise(times))


def test_a_time_that_has_just_come_waits_for_nobody(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    now_s = surroundings.clock.now()
    fired: list[float] = []
    ended: list[bool] = []
    plan = Plan(timetable=Once(at_s=now_s), fire=fired.append, end=lambda: ended.append(True))
    due_times.set("once", plan, now_s - 1)
    settle(surroundings)
    assert (fired, ended) == ([now_s], [True])


def test_a_delay_puts_off_a_time_but_not_what_it_is_called(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    now_s = surroundings.clock.now()
    fired: list[float] = []
    plan = Plan(timetable=Once(at_s=now_s + 10), fire=fired.append, delay=lambda due_s: 30)
    due_times.set("late", plan, now_s)
    settle(surroundings)
    for seconds, expected in ((39, []), (1, [now_s + 10])):
        surroundings.clock.advance(seconds)
        settle(surroundings)
        assert fired == expected


def test_one_that_is_replaced_or_cancelled_fires_no_more(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    now_s = surroundings.clock.now()
    fired: list[str] = []
    for name in ("old", "new"):
        timetable = Rate(period_s=60, start_s=now_s)
        due_times.set("k", Plan(timetable=timetable, fire=lambda _, n=name: fired.append(n)), now_s)  # type: ignore[misc]  # a loop's value
    settle(surroundings)
    surroundings.clock.advance(60)
    settle(surroundings)
    assert fired == ["new"]
    due_times.cancel("k")
    surroundings.clock.advance(60)
    settle(surroundings)
    assert fired == ["new"]


def test_a_jump_of_years_is_bounded_and_said_on_the_terminal(
    due_times: DueTimes, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch, aws: Aws
) -> None:
    told: list[tuple[str, Any]] = []
    monkeypatch.setattr(aws.reporter, "event", lambda name, **more: told.append((name, more)))
    now_s = surroundings.clock.now()
    fired: list[float] = []
    due_times.set("k", Plan(timetable=Rate(period_s=60, start_s=now_s), fire=fired.append), now_s)
    settle(surroundings)
    surroundings.clock.advance(3 * 365 * 86_400)
    settle(surroundings)
    assert len(fired) == MAXIMUM_MISSED
    assert [name for name, _ in told] == ["test.skipped"]


def test_what_fails_when_it_fires_fires_again_the_next_time(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    now_s = surroundings.clock.now()
    fired: list[float] = []

    def fire(due_s: float) -> None:
        fired.append(due_s)
        raise RuntimeError("a bug of ours")

    due_times.set("k", Plan(timetable=Rate(period_s=60, start_s=now_s), fire=fire), now_s)
    for _ in range(2):
        settle(surroundings)
        surroundings.clock.advance(60)
    settle(surroundings)
    assert len(fired) == 2


def test_an_alarm_of_before_does_not_end_the_wait_for_the_next(
    due_times: DueTimes, surroundings: Surroundings
) -> None:
    alarms = RememberedAlarms()
    lanes: Any = CollectedJobs()
    now_s = surroundings.clock.now()
    fired: list[float] = []
    remembered: Any = alarms
    awkward = DueTimes(replace(surroundings, alarms=remembered), "test", lanes)
    awkward.set("k", Plan(timetable=Rate(period_s=60, start_s=now_s), fire=fired.append), now_s)
    lanes.run()
    surroundings.clock.advance(60)
    alarms.rings[0]()
    lanes.run()
    alarms.rings[0]()  # late
    surroundings.clock.advance(60)
    alarms.rings[1]()
    lanes.run()
    assert fired == [now_s + 60, now_s + 120]


class RememberedAlarms:
    """Rings nothing until the test does."""

    def __init__(self) -> None:
        self.rings: list[Callable[[], None]] = []

    def set(self, due_s: float, ring: Callable[[], None]) -> Alarm:
        self.rings.append(ring)
        return Alarm(ring)


class AwkwardAlarms:
    """Sets no alarm before the clock has moved past it; rings it only if told to."""

    def __init__(self, around: Surroundings, *, rings: bool) -> None:
        self._clock = around.clock
        self._rings = rings
        self.due: list[float] = []

    def set(self, due_s: float, ring: Callable[[], None]) -> Alarm:
        self.due.append(due_s)
        if len(self.due) == 1:
            self._clock.advance(60)
            if self._rings:
                ring()
        return Alarm(ring)


class CollectedJobs:
    """A lane that runs nothing until the test does."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def put(self, lane: str, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def run(self) -> None:
        while self.jobs:
            self.jobs.pop()()


@pytest.mark.parametrize("rings", [False, True])
def test_a_time_that_comes_while_its_alarm_is_being_set_fires_once(
    due_times: DueTimes, surroundings: Surroundings, rings: bool
) -> None:
    alarms: Any = AwkwardAlarms(surroundings, rings=rings)
    now_s = surroundings.clock.now()
    fired: list[float] = []
    lanes: Any = CollectedJobs()
    awkward = DueTimes(replace(surroundings, alarms=alarms), "test", lanes)
    awkward.set("k", Plan(timetable=Rate(period_s=60, start_s=now_s), fire=fired.append), now_s)
    lanes.run()
    assert fired == [now_s + 60]
    assert len(alarms.due) == 2  # for the time that came, and for the next
