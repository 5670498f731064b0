"""Threads for jobs."""

import threading
from collections.abc import Iterator
from functools import partial
from queue import SimpleQueue

import pytest

from emulator.invoke.runner_threads import RunnerThreads


@pytest.fixture
def threads() -> Iterator[RunnerThreads]:
    threads = RunnerThreads("runner")
    yield threads
    threads.stop(10)


def wait_for(event: threading.Event) -> None:
    assert event.wait(10)


def test_jobs_run_at_the_same_time_on_threads_with_names(threads: RunnerThreads) -> None:
    together = threading.Barrier(3)
    names: SimpleQueue[str] = SimpleQueue()

    def job() -> None:
        together.wait(10)
        names.put(threading.current_thread().name)

    for _ in range(3):
        threads.start(job)
    assert {names.get(timeout=10) for _ in range(3)} == {"runner-1", "runner-2", "runner-3"}


def test_idle_threads_get_the_next_jobs(threads: RunnerThreads) -> None:
    done: SimpleQueue[None] = SimpleQueue()
    for _ in range(200):
        threads.start(lambda: done.put(None))
        done.get(timeout=10)
    assert threads.count() < 10  # and not 200


def test_a_thread_without_a_job_goes_after_a_while() -> None:
    threads = RunnerThreads("short-lived", idle_s=0.01)
    runner: SimpleQueue[threading.Thread] = SimpleQueue()
    threads.start(lambda: runner.put(threading.current_thread()))
    runner.get(timeout=10).join(10)
    assert threads.count() == 0


def test_a_stop_ends_idle_and_busy_threads(threads: RunnerThreads) -> None:
    release = threading.Event()
    threads.start(lambda: None)
    threads.start(partial(wait_for, release))
    release.set()
    threads.stop(10)
    assert threads.count() == 0


def test_a_stop_does_not_wait_for_ever() -> None:
    threads = RunnerThreads("stuck")
    release = threading.Event()
    threads.start(partial(wait_for, release))
    threads.stop(0.01)
    assert threads.count() == 1
    release.set()
    threads.stop(10)
