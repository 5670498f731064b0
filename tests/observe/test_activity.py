"""Activity: what is running or due."""

import threading
from contextlib import suppress

import pytest

from emulator.model import Clock
from emulator.observe import Activity


def test_only_kinds_with_something_left_are_pending() -> None:
    activity = Activity(Clock())
    activity.begin("invocations")
    activity.begin("invocations")
    activity.begin("facts")
    activity.end("invocations")
    activity.end("facts")
    assert activity.pending() == {"invocations": 1}


def test_a_block_counts_while_it_runs_and_also_when_it_raises() -> None:
    activity = Activity(Clock())
    with activity.busy("reloads"):
        assert activity.pending() == {"reloads": 1}
    with suppress(KeyError), activity.busy("reloads"):
        raise KeyError
    assert activity.pending() == {}


def test_an_end_without_a_begin_is_refused() -> None:
    activity = Activity(Clock())
    activity.begin("facts")
    with pytest.raises(ValueError, match="reloads"):
        activity.end("reloads")
    assert activity.pending() == {"facts": 1}


def test_waiting_ends_at_once_when_nothing_is_pending() -> None:
    assert Activity(Clock()).wait_idle(0)


def test_waiting_ends_without_success_at_its_deadline() -> None:
    activity = Activity(Clock())
    activity.begin("facts")
    assert not activity.wait_idle(0.01)


def test_waiting_ends_when_the_last_one_ends() -> None:
    activity = Activity(Clock())
    activity.begin("facts")
    activity.begin("invocations")
    activity.end("facts")
    timer = threading.Timer(0.01, activity.end, ["invocations"])
    timer.start()
    assert activity.wait_idle(10)
    timer.join()
    assert activity.pending() == {}


def test_a_short_moment_of_idleness_is_not_missed() -> None:
    activity = Activity(Clock())
    activity.begin("invocations")

    def one_after_the_other() -> None:
        for _ in range(100):
            activity.end("invocations")
            activity.begin("invocations")

    timer = threading.Timer(0.01, one_after_the_other)
    timer.start()
    assert activity.wait_idle(10)
    timer.join()


def test_counts_of_many_threads_add_up() -> None:
    activity = Activity(Clock())

    def work() -> None:
        for _ in range(500):
            with activity.busy("invocations"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert activity.pending() == {}


def test_waiting_for_one_kind_leaves_the_others_aside() -> None:
    activity = Activity(Clock())
    activity.begin("invocations")
    activity.begin("invocations")
    activity.begin("facts")
    assert not activity.wait_none("invocations", 0)
    activity.end("invocations")
    timer = threading.Timer(0.01, activity.end, ["invocations"])
    timer.start()
    assert activity.wait_none("invocations", 30)
    timer.join()
    assert activity.wait_none("invocations", 0)
    assert activity.pending() == {"facts": 1}
