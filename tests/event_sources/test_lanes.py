import io
import threading
from collections.abc import Iterator

import pytest

from emulator.event_sources.lanes import Lanes
from emulator.model import Clock
from emulator.observe import Activity, Reporter


@pytest.fixture
def activity() -> Activity:
    return Activity(Clock())


@pytest.fixture
def lanes(activity: Activity) -> Iterator[Lanes]:
    reporter = Reporter(io.StringIO())
    made = Lanes("test", activity, reporter)
    yield made
    made.stop(1)
    reporter.stop()


def test_a_lane_keeps_the_order_and_delays_no_other(lanes: Lanes, activity: Activity) -> None:
    may_go, done = threading.Event(), list[object]()
    lanes.put("slow", lambda: done.append(may_go.wait(10)))
    for number in range(50):
        lanes.put("slow", lambda number=number: done.append(number))  # type: ignore[misc]  # a loop's value
    was_done = threading.Event()
    lanes.put("quick", was_done.set)
    assert was_done.wait(10)
    assert done == []
    may_go.set()
    assert activity.wait_idle(10)
    assert done == [True, *range(50)]


def test_a_job_that_raises_stops_neither_its_lane_nor_settle(
    lanes: Lanes, activity: Activity
) -> None:
    done: list[int] = []
    lanes.put("a", lambda: done.remove(1))
    lanes.put("a", lambda: done.append(2))
    lanes.run(lambda: done.remove(1))
    assert activity.wait_idle(10)
    assert done == [2]
    assert activity.pending() == {}
