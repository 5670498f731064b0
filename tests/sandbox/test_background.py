"""Work that nobody waits for."""

import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from emulator.sandbox.background import Background

MOST = 3


@pytest.fixture
def background() -> Iterator[Background]:
    background = Background("worker", MOST)
    yield background
    background.close()


def wait_at(barrier: threading.Barrier) -> None:
    barrier.wait(10)


def named(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith(f"{name}_")]


def test_no_more_jobs_run_at_a_time_than_there_may_be_threads(background: Background) -> None:
    began: SimpleQueue[int] = SimpleQueue()
    release = threading.Event()

    def work(number: int) -> None:
        began.put(number)
        assert release.wait(10)

    done = [background.submit(work, number) for number in range(MOST + 2)]
    assert {began.get(timeout=10) for _ in range(MOST)} == set(range(MOST))
    assert len(named("worker")) == MOST
    assert began.empty()
    release.set()
    for each in done:
        each.result(10)
    assert [began.get(timeout=10) for _ in range(2)] == [MOST, MOST + 1]


def test_threads_without_work_go_after_a_while() -> None:
    background = Background("short-lived", MOST, idle_s=0.01)
    together = threading.Barrier(MOST + 1)
    for _ in range(MOST):
        background.submit(wait_at, together)
    together.wait(10)
    for thread in named("short-lived"):
        thread.join(10)
    assert named("short-lived") == []
    background.submit(lambda: None).result(10)  # there are new ones
    background.close()


def test_work_that_raises_is_told_and_over(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("an odd one")

    background.submit(fail).result(10)
    background.submit(lambda: None).result(10)
    assert "an odd one" in caplog.text


def test_closing_waits_for_what_is_left_and_takes_no_more(background: Background) -> None:
    done: SimpleQueue[int] = SimpleQueue()
    release = threading.Event()

    def work(number: int) -> None:
        assert release.wait(10)
        done.put(number)

    for number in range(MOST + 5):
        background.submit(work, number)
    release.set()
    background.close()
    assert done.qsize() == MOST + 5
    with pytest.raises(RuntimeError, match="no more work for worker"):
        background.submit(lambda: None)
    assert named("worker") == []
