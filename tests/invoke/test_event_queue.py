"""The queue of one function."""

from typing import cast

from emulator.invoke.event_queue import FunctionQueue, QueuedEvent
from emulator.invoke.ramp import FIRST_RUNNERS

ANY_EVENT = cast(QueuedEvent, None)  # the queue does not look into its events


def test_runners_are_hired_as_far_as_allowed() -> None:
    queue = FunctionQueue("arn")
    assert [queue.hire(1) for _ in range(FIRST_RUNNERS + 1)] == [1] * FIRST_RUNNERS + [0]
    queue.runners -= 1
    assert queue.hire(10) == 1


def test_new_runners_get_their_time_before_the_queue_counts_as_stalled_again() -> None:
    queue = FunctionQueue("arn")
    queue.waiting.append(ANY_EVENT)
    looks = 0
    while queue.allowed == FIRST_RUNNERS:
        queue.look(has_spare_processors=False)
        looks += 1
    again = 0
    while queue.allowed == 2 * FIRST_RUNNERS:
        queue.look(has_spare_processors=False)
        again += 1
    assert looks == again == 50


def test_a_finished_event_ends_a_stall() -> None:
    queue = FunctionQueue("arn")
    queue.waiting.append(ANY_EVENT)
    for _ in range(200):
        queue.finished = 1
        queue.look(has_spare_processors=False)
    assert (queue.allowed, queue.finished, queue.stalled_looks) == (FIRST_RUNNERS, 0, 0)
