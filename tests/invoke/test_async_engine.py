"""Asynchronous invocation: order, retries, isolation, and nothing lost."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from emulator.invoke.ramp import FIRST_RUNNERS
from emulator.model import Invocation, InvocationResult, LambdaError

if TYPE_CHECKING:
    from tests.invoke.conftest import Workbench

MakeBench = Callable[..., "Workbench"]


def test_an_event_runs_once_with_the_id_that_was_answered(
    bench: "Workbench", success: InvocationResult
) -> None:
    seen: list[Invocation] = []

    def handler(invocation: Invocation) -> InvocationResult:
        seen.append(invocation)
        return success

    bench.deploy("orders", handler)
    request_id = bench.accept(payload=b"[1]", qualifier="prod", client_context="{}", source="s3")
    bench.settle()
    assert [(one.request_id, one.payload, one.attempt) for one in seen] == [(request_id, b"[1]", 1)]
    assert seen[0].invoked_arn.endswith(":function:orders:prod")
    assert seen[0].client_context == "{}"  # an event source's: the API takes a caller's off
    assert seen[0].source == "s3"
    assert bench.invoker.backlog().depth == 0


def test_a_failing_event_is_tried_three_times_after_one_and_two_minutes(
    bench: "Workbench", failure: InvocationResult
) -> None:
    bench.clock.freeze(True)
    start = bench.clock.now()
    bench.deploy("orders", lambda _: failure)
    request_id = bench.accept(trace_header="Root=1-5759e988-bd862e3fe1be46a994272793")
    bench.settle()
    for seconds in (59, 1, 119, 1, 1000):
        bench.clock.advance(seconds)
        bench.settle()
    records = list(reversed(bench.records.newest()))
    assert [round(record.started_at - start) for record in records] == [0, 60, 180]
    assert [record.attempt for record in records] == [1, 2, 3]
    assert {record.request_id for record in records} == {request_id}
    assert {record.accepted_at for record in records} == {start}
    assert len({record.invocation.trace_header for record in records}) == 1
    (given_up,) = bench.lines("event.given_up")
    assert (given_up["error"], given_up["attempts"]) == ("RetriesExhausted", 3)
    assert bench.invoker.backlog().given_up == 1
    assert bench.invoker.backlog().depth == 0


def test_a_retry_that_succeeds_is_the_last_one(
    bench: "Workbench", failure: InvocationResult, success: InvocationResult
) -> None:
    results = [failure, success]
    bench.deploy("orders", lambda _: results.pop(0))
    bench.accept()
    bench.settle()
    bench.clock.advance(60)
    bench.settle()
    bench.clock.advance(1000)
    bench.settle()
    assert results == []
    assert bench.invoker.backlog().given_up == 0


def test_a_retry_comes_by_itself_when_time_passes(
    make_bench: MakeBench, failure: InvocationResult, success: InvocationResult
) -> None:
    bench = make_bench(retry_delay_scale=0.0005)  # 30 ms and 60 ms
    is_done = threading.Event()
    attempts: list[float] = []

    def handler(_: Invocation) -> InvocationResult:
        attempts.append(time.monotonic())
        if len(attempts) < 3:
            return failure
        is_done.set()
        return success

    bench.deploy("orders", handler)
    bench.accept()
    assert is_done.wait(10)
    assert attempts[1] - attempts[0] >= 0.03
    assert attempts[2] - attempts[1] >= 0.06


def test_a_retry_in_the_future_is_not_waited_for_and_one_that_is_due_is(
    bench: "Workbench", failure: InvocationResult
) -> None:
    bench.clock.freeze(True)
    is_reached, release = threading.Event(), threading.Event()

    def handler(invocation: Invocation) -> InvocationResult:
        if invocation.attempt > 1:
            is_reached.set()
            assert release.wait(10)
        return failure

    bench.deploy("orders", handler)
    bench.accept()
    bench.settle()
    backlog = bench.invoker.backlog()
    assert (backlog.depth, backlog.running, backlog.oldest_age_s) == (1, 0, 0.0)
    assert backlog.next_due_s == pytest.approx(60)
    bench.clock.advance(60)
    assert bench.activity.pending()["events due"] == 1
    assert is_reached.wait(10)
    assert bench.activity.pending() == {"events due": 1, "invocations": 1}
    assert bench.invoker.backlog().running == 1
    release.set()
    bench.settle()
    assert bench.activity.pending() == {}


def test_events_of_a_function_start_in_the_order_they_came(
    bench: "Workbench", success: InvocationResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = "emulator.invoke.event_queue.allowed_runners"
    monkeypatch.setattr(ramp, lambda allowed, **_: allowed)
    started: SimpleQueue[int] = SimpleQueue()
    gate = threading.Semaphore(0)

    def handler(invocation: Invocation) -> InvocationResult:
        started.put(int(invocation.payload))
        assert gate.acquire(timeout=10)
        return success

    bench.deploy("orders", handler)
    for number in range(50):
        bench.accept(payload=b"%d" % number)
    first = {started.get(timeout=10) for _ in range(FIRST_RUNNERS)}
    assert first == set(range(FIRST_RUNNERS))
    for number in range(FIRST_RUNNERS, 50):
        gate.release()
        assert started.get(timeout=10) == number
    gate.release(FIRST_RUNNERS)
    bench.settle()


def test_a_slow_function_delays_no_other(bench: "Workbench", success: InvocationResult) -> None:
    release = threading.Event()

    def stuck(_: Invocation) -> InvocationResult:
        assert release.wait(10)
        return success

    finished = threading.Semaphore(0)

    def quick(_: Invocation) -> InvocationResult:
        finished.release()
        return success

    bench.deploy("slow", stuck)
    bench.deploy("quick", quick)
    for _ in range(100):
        bench.accept("slow")
    for _ in range(100):
        bench.accept("quick")
    for _ in range(100):
        assert finished.acquire(timeout=10)
    release.set()
    bench.settle()


def test_many_events_of_a_function_that_waits_run_at_the_same_time(
    bench: "Workbench", success: InvocationResult
) -> None:
    together = threading.Barrier(64)

    def handler(_: Invocation) -> InvocationResult:
        together.wait(10)  # breaks unless all 64 run at once
        return success

    bench.deploy("orders", handler)
    for _ in range(64):
        bench.accept()
    bench.settle()
    assert {record.status for record in bench.records.newest()} == {"success"}


def test_what_was_queued_before_an_update_runs_the_new_code(
    bench: "Workbench", failure: InvocationResult
) -> None:
    bench.deploy("orders", lambda _: failure)
    bench.accept()
    bench.settle()
    bench.functions.deploy("orders")
    bench.clock.advance(60)
    bench.settle()
    assert bench.sandbox.deployments == [1, 2]


def test_an_event_whose_function_was_deleted_is_dropped(
    bench: "Workbench", failure: InvocationResult
) -> None:
    bench.deploy("orders", lambda _: failure)
    request_id = bench.accept()
    bench.settle()
    bench.functions.delete("orders")
    bench.clock.advance(60)
    bench.settle()
    assert bench.sandbox.deployments == [1]
    assert bench.invoker.backlog().dropped == 1
    assert bench.invoker.backlog().depth == 0
    (line,) = bench.lines("event.dropped")
    assert (line["function"], line["request"]) == ("orders", request_id)


def test_throttled_events_wait_longer_each_time_and_are_no_attempts(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(account_concurrency=0)
    bench.clock.freeze(True)
    bench.deploy("orders")
    bench.accept()
    bench.settle()
    for seconds in (1, 2, 4):
        bench.clock.advance(seconds)
        bench.settle()
    lines = bench.lines("event.postponed")
    assert [line["delay_s"] for line in lines] == [1, 2, 4, 8]
    assert {(line["reason"], line["attempts"]) for line in lines} == {
        ("TooManyRequestsException", 0)
    }


def test_an_event_that_cannot_run_for_six_hours_is_given_up(make_bench: MakeBench) -> None:
    bench = make_bench(account_concurrency=0)
    bench.clock.freeze(True)
    bench.deploy("orders")
    bench.accept()
    bench.settle()
    bench.clock.advance(6 * 3600)
    bench.settle()
    assert bench.invoker.backlog().depth == 0
    (line,) = bench.lines("event.given_up")
    assert (line["error"], line["attempts"]) == ("EventAgeExceeded", 0)


def test_scaled_delays_change_the_waiting_and_not_the_number_of_attempts(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(account_concurrency=0, retry_delay_scale=0.0)
    bench.deploy("orders")
    bench.accept()
    bench.settle()
    delays = [line["delay_s"] for line in bench.lines("event.postponed")]
    # 1 + 2 + 4 + … + 256 = 511 s, then 300 s each up to six hours: as many as without scaling.
    assert delays == [0] * (9 + (6 * 3600 - 511 - 1) // 300)
    assert bench.invoker.backlog().given_up == 1


def test_a_sandbox_that_fails_does_not_lose_the_event(
    bench: "Workbench", success: InvocationResult
) -> None:
    outcomes: list[Exception] = [
        LambdaError("ServiceException", "no sandbox"),
        ZeroDivisionError("a bug of ours"),
    ]

    def handler(_: Invocation) -> InvocationResult:
        if outcomes:
            raise outcomes.pop(0)
        return success

    bench.clock.freeze(True)
    bench.deploy("orders", handler)
    bench.accept()
    bench.settle()
    bench.clock.advance(1)
    bench.settle()
    assert bench.invoker.backlog().depth == 1
    bench.clock.advance(60)
    bench.settle()
    assert bench.invoker.backlog().depth == 0
    assert [record.attempt for record in bench.records.newest()] == [1]
    (line,) = bench.lines("async.failed")
    assert "a bug of ours" in str(line["error"])


def test_a_reset_forgets_what_waits_and_what_follows_from_what_runs(
    bench: "Workbench", failure: InvocationResult
) -> None:
    are_running, release = threading.Barrier(FIRST_RUNNERS + 1), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        are_running.wait(10)
        assert release.wait(10)
        return failure

    bench.deploy("retried", lambda _: failure)
    bench.accept("retried")
    bench.settle()
    bench.deploy("orders", handler)
    for _ in range(FIRST_RUNNERS):
        bench.accept()
    are_running.wait(10)
    bench.invoker.reset()
    assert bench.invoker.backlog().depth == 0
    release.set()
    bench.settle()
    bench.clock.advance(1000)
    bench.settle()
    assert len(bench.sandbox.deployments) == 1 + FIRST_RUNNERS
    assert bench.activity.pending() == {}


def test_a_stop_waits_for_what_runs_and_counts_what_is_left(
    bench: "Workbench", failure: InvocationResult, success: InvocationResult
) -> None:
    is_running, release = threading.Event(), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        is_running.set()
        assert release.wait(10)
        return success

    bench.deploy("retried", lambda _: failure)
    bench.accept("retried")
    bench.settle()
    bench.deploy("orders", handler)
    bench.accept()
    assert is_running.wait(10)
    threading.Timer(0.05, release.set).start()
    assert bench.invoker.stop(10) == 1
    with pytest.raises(LambdaError, match="stopping"):
        bench.accept()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("async-")]


def test_a_stop_does_not_wait_longer_than_its_grace(
    bench: "Workbench", success: InvocationResult
) -> None:
    release = threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        assert release.wait(10)
        return success

    bench.deploy("orders", handler)
    for _ in range(10):
        bench.accept()
    assert bench.invoker.stop(0.01) == 10
    release.set()


def test_no_event_of_many_threads_is_lost_or_run_twice(
    bench: "Workbench", success: InvocationResult
) -> None:
    lock = threading.Lock()
    runs: dict[str, int] = {}

    def handler(invocation: Invocation) -> InvocationResult:
        with lock:
            runs[invocation.request_id] = runs.get(invocation.request_id, 0) + 1
        return success

    for number in range(5):
        bench.deploy(f"function-{number}", handler)
    accepted: list[str] = []

    def send(function: str) -> None:
        for _ in range(200):
            accepted.append(bench.accept(function))

    senders = [
        threading.Thread(target=send, args=(f"function-{number % 5}",)) for number in range(8)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    bench.settle()
    assert runs == dict.fromkeys(accepted, 1)
    assert len(runs) == 1600
