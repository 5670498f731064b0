"""Policies, destinations, dead letters, reservations and loops of asynchronous events."""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from emulator.invoke.recursion import LIMIT, advanced
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    DestinationError,
    DestinationMessage,
    EventInvokeConfig,
    Invocation,
    InvocationResult,
    LambdaError,
    function_arn,
)

if TYPE_CHECKING:
    from tests.invoke.conftest import Workbench

QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"
TOPIC = "arn:aws:sns:us-east-1:000000000000:failed"
ORDERS = function_arn(DEFAULT_ACCOUNT, DEFAULT_REGION, "orders")


def configure(bench: "Workbench", dead_letter_arn: str | None = None, **members: Any) -> None:
    bench.clock.freeze(True)
    bench.functions.settings["invoke_config"] = EventInvokeConfig(**members)
    bench.functions.dead_letter_arn = dead_letter_arn


def advance(bench: "Workbench", *seconds: float) -> None:
    bench.settle()
    for step in seconds:
        bench.clock.advance(step)
        bench.settle()


def context(message: DestinationMessage) -> Any:
    return json.loads(message.body)["requestContext"]


@pytest.mark.parametrize(
    ("settings", "attempts", "condition"),
    [
        ({"retries": 0}, 1, "RetriesExhausted"),
        ({"retries": 1}, 2, "RetriesExhausted"),
        ({}, 3, "RetriesExhausted"),
        ({"max_age_s": 60}, 1, "EventAgeExceeded"),
        ({"max_age_s": 90}, 2, "EventAgeExceeded"),
        ({"max_age_s": 181}, 3, "RetriesExhausted"),
    ],
)
def test_a_policy_says_how_often_a_failing_function_runs(
    bench: "Workbench",
    failure: InvocationResult,
    settings: dict[str, Any],
    attempts: int,
    condition: str,
) -> None:
    configure(bench, on_failure=QUEUE, **settings)
    bench.deploy("orders", lambda _: failure)
    bench.accept()
    advance(bench, 60, 120, 120, 3600)
    assert len(bench.sandbox.deployments) == attempts
    [message] = bench.destinations.sent
    assert context(message)["condition"] == condition
    assert context(message)["approximateInvokeCount"] == attempts
    assert json.loads(message.body)["responsePayload"] == {"errorType": "KeyError"}


def test_the_policy_is_that_of_the_moment(bench: "Workbench", failure: InvocationResult) -> None:
    configure(bench)
    bench.deploy("orders", lambda _: failure)
    bench.accept()
    bench.settle()
    configure(bench, retries=1)
    advance(bench, 60, 120, 3600)
    assert len(bench.sandbox.deployments) == 2


def test_a_success_goes_to_its_destination_only(
    bench: "Workbench", success: InvocationResult
) -> None:
    configure(bench, QUEUE, on_success=TOPIC, on_failure=QUEUE)
    bench.deploy("orders", lambda _: success)
    request_id = bench.accept()
    bench.settle()
    [message] = bench.destinations.sent
    assert message.target_arn == TOPIC
    assert context(message)["requestId"] == request_id
    assert context(message)["condition"] == "Success"


def test_a_failure_goes_to_destination_and_dead_letter_queue(
    bench: "Workbench", failure: InvocationResult
) -> None:
    configure(bench, QUEUE, retries=0, on_success=TOPIC, on_failure=TOPIC)
    bench.deploy("orders", lambda _: failure)
    bench.accept(payload=b'{"n":  1}')
    bench.settle()
    record, letter = bench.destinations.sent
    assert (record.target_arn, letter.target_arn) == (TOPIC, QUEUE)
    assert letter.body == '{"n":  1}'
    assert letter.attributes["ErrorCode"] == ("Number", "200")


def test_throttled_by_its_own_reservation_an_event_waits_and_runs(
    bench: "Workbench", success: InvocationResult
) -> None:
    configure(bench)
    bench.functions.settings["reserved_concurrency"] = 1
    is_running, release = threading.Event(), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        is_running.set()
        assert release.wait(10)
        return success

    bench.deploy("orders", handler)
    bench.accept()
    assert is_running.wait(10)
    bench.accept()
    while not bench.invoker.backlog().next_due_s:
        threading.Event().wait(0.001)
    release.set()
    bench.settle()
    assert bench.invoker.backlog().depth == 1
    advance(bench, 1)
    assert bench.invoker.backlog().depth == 0
    assert [record.attempt for record in bench.records.newest()] == [1, 1]


def test_throttled_until_it_is_too_old_an_event_never_ran(
    make_bench: Callable[..., "Workbench"],
) -> None:
    bench = make_bench(account_concurrency=0)
    configure(bench, QUEUE, max_age_s=60, on_failure=TOPIC)
    bench.deploy("orders")
    bench.accept()
    advance(bench, *[2.0**power for power in range(5)], 29)
    record, letter = bench.destinations.sent
    assert context(record) | {"requestId": ""} == {
        "requestId": "",
        "functionArn": f"{ORDERS}:$LATEST",
        "condition": "EventAgeExceeded",
        "approximateInvokeCount": 0,
    }
    assert "responseContext" not in json.loads(record.body)
    assert letter.attributes["ErrorCode"] == ("Number", "429")


def test_with_nothing_reserved_an_event_ends_at_once(bench: "Workbench") -> None:
    configure(bench, QUEUE, on_failure=TOPIC)
    bench.functions.settings["reserved_concurrency"] = 0
    bench.deploy("orders")
    bench.accept()
    bench.settle()
    record, letter = bench.destinations.sent
    assert context(record)["condition"] == "ZeroReservedConcurrency"
    assert context(record)["approximateInvokeCount"] == 0
    assert letter.attributes["ErrorCode"] == ("Number", "429")
    assert bench.sandbox.deployments == []
    with pytest.raises(LambdaError, match="Rate Exceeded"):
        bench.run()


def test_a_deleted_function_leaves_nothing_behind(
    bench: "Workbench", failure: InvocationResult
) -> None:
    configure(bench, QUEUE, on_failure=TOPIC)
    bench.deploy("orders", lambda _: failure)
    bench.accept()
    bench.settle()
    bench.functions.delete("orders")
    advance(bench, 60)
    assert bench.destinations.sent == []


def test_a_target_that_takes_nothing_is_told_and_the_next_one_gets_its_letter(
    bench: "Workbench", failure: InvocationResult
) -> None:
    def refuse() -> None:
        raise DestinationError("NonExistentQueue: gone")

    def break_down() -> None:
        raise ZeroDivisionError("a bug of ours")

    configure(bench, QUEUE, retries=0, on_failure=TOPIC)
    bench.deploy("orders", lambda _: failure)
    bench.destinations.on_send[TOPIC] = refuse
    request_id = bench.accept()
    bench.settle()
    assert [message.target_arn for message in bench.destinations.sent] == [QUEUE]
    bench.destinations.on_send[QUEUE] = break_down
    bench.accept()
    bench.settle()
    lines = bench.lines("destination.not_delivered")
    assert [line["target"] for line in lines] == [TOPIC, TOPIC, QUEUE]
    assert (lines[0]["request"], lines[0]["error"]) == (request_id, "NonExistentQueue: gone")
    assert "a bug of ours" in str(lines[2]["error"])
    counts = {
        one.name: one.total for one in bench.metrics.drain() if one.dimensions and "De" in one.name
    }
    assert counts == {"DestinationDeliveryFailures": 2, "DeadLetterErrors": 1}


def test_a_slow_target_delays_neither_events_nor_other_targets_and_settle_waits_for_it(
    bench: "Workbench", success: InvocationResult
) -> None:
    is_reached, release = threading.Event(), threading.Event()

    def hang() -> None:
        is_reached.set()
        assert release.wait(10)

    arrived = threading.Semaphore(0)
    configure(bench, on_success=TOPIC)
    bench.destinations.on_send = {TOPIC: hang, QUEUE: arrived.release}
    bench.deploy("orders", lambda _: success)
    bench.accept()
    assert is_reached.wait(10)
    configure(bench, on_success=QUEUE)
    for _ in range(20):
        bench.accept()
    for _ in range(20):
        assert arrived.acquire(timeout=10)
    assert bench.activity.pending()["destination records"] >= 1
    release.set()
    bench.settle()
    assert len(bench.destinations.sent) == 21


def test_a_stop_waits_for_what_is_being_sent_and_counts_what_is_left(
    bench: "Workbench", success: InvocationResult
) -> None:
    is_reached, release = threading.Event(), threading.Event()

    def hang() -> None:
        is_reached.set()
        assert release.wait(10)

    configure(bench, on_success=TOPIC)
    bench.destinations.on_send[TOPIC] = hang
    bench.deploy("orders", lambda _: success)
    for _ in range(3):
        bench.accept()
    assert is_reached.wait(10)
    while bench.invoker.backlog().depth:
        threading.Event().wait(0.001)
    assert bench.invoker.stop(0.01) == 2
    release.set()


def test_a_reset_forgets_what_is_to_be_sent(bench: "Workbench", failure: InvocationResult) -> None:
    is_reached, release = threading.Event(), threading.Event()

    def hang() -> None:
        is_reached.set()
        assert release.wait(10)

    configure(bench, retries=0, on_failure=TOPIC)
    bench.destinations.on_send[TOPIC] = hang
    bench.deploy("orders", lambda _: failure)
    for _ in range(3):
        bench.accept()
    assert is_reached.wait(10)
    while bench.invoker.backlog().depth:
        threading.Event().wait(0.001)
    bench.invoker.reset()
    release.set()
    bench.settle()
    assert len(bench.destinations.sent) == 1


def test_an_attempt_that_outlives_a_reset_sends_nothing(
    bench: "Workbench", success: InvocationResult
) -> None:
    is_running, release = threading.Event(), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        is_running.set()
        assert release.wait(10)
        return success

    configure(bench, on_success=TOPIC)
    bench.deploy("orders", handler)
    bench.accept()
    assert is_running.wait(10)
    bench.invoker.reset()
    release.set()
    bench.settle()
    assert bench.destinations.sent == []


def looping(invocations: int) -> str:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
    for _ in range(invocations):
        header = advanced(header, ORDERS)
    return header


def test_the_sixteenth_invocation_of_a_chain_runs_and_the_next_does_not(
    bench: "Workbench",
) -> None:
    configure(bench, QUEUE, on_failure=TOPIC)
    bench.deploy("orders")
    bench.accept(trace_header=looping(LIMIT - 1))
    bench.settle()
    assert len(bench.sandbox.deployments) == 1
    assert bench.destinations.sent == []
    bench.accept(trace_header=looping(LIMIT))
    bench.settle()
    assert len(bench.sandbox.deployments) == 1
    record, letter = bench.destinations.sent
    assert context(record)["approximateInvokeCount"] == 0
    assert letter.attributes["ErrorCode"] == ("Number", "400")
    assert "recursive loop" in letter.attributes["ErrorMessage"][1]
    dropped = [one for one in bench.metrics.drain() if one.name == "RecursiveInvocationsDropped"]
    assert {one.total for one in dropped} == {1}


def test_a_synchronous_call_in_a_loop_is_refused(bench: "Workbench") -> None:
    bench.deploy("orders")
    bench.run(trace_header=looping(LIMIT - 1))
    with pytest.raises(LambdaError) as caught:
        bench.run(trace_header=looping(LIMIT))
    assert caught.value.code == "RecursiveInvocationException"
    assert caught.value.fault.status == 400


def test_a_loop_that_is_allowed_goes_on(bench: "Workbench") -> None:
    bench.functions.settings["may_recurse"] = True
    bench.deploy("orders")
    bench.run(trace_header=looping(100))
    bench.accept(trace_header=looping(100))
    bench.settle()
    assert len(bench.sandbox.deployments) == 2


def test_retries_are_no_further_invocations_of_the_chain(
    bench: "Workbench", failure: InvocationResult
) -> None:
    configure(bench)
    bench.deploy("orders", lambda _: failure)
    bench.accept(trace_header=looping(LIMIT - 1))
    advance(bench, 60, 120)
    assert len(bench.sandbox.deployments) == 3


def test_events_are_counted(bench: "Workbench", failure: InvocationResult) -> None:
    configure(bench, retries=1)
    bench.deploy("orders", lambda _: failure)
    bench.accept()
    advance(bench, 60)
    found = {
        one.name: (one.samples, one.total)
        for one in bench.metrics.drain()
        if one.name.startswith("Async") and one.dimensions
    }
    assert found["AsyncEventsReceived"] == (1, 1)
    assert found["AsyncEventsDropped"] == (1, 1)
