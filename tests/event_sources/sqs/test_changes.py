"""Functions, queues and mappings that change, go or refuse meanwhile."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.control import Target
from emulator.control.alias import Alias
from emulator.event_sources import Surroundings
from emulator.event_sources.sqs_batch import Batch
from emulator.invoke import recursion
from emulator.model import Call, InvocationResult, LambdaError
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker, answered, settle
from tests.event_sources.sqs.sqs_lab import (
    ACCOUNT,
    FUNCTION,
    REGION,
    WAIT_S,
    Queue,
    bind,
    bodies,
    deploy,
    received,
)


@pytest.mark.parametrize(("refusals", "retry_s"), [(0, 0.1), (3, 0.8), (6, 5.0), (8_640, 5.0)])
def test_a_batch_that_is_refused_again_and_again_is_tried_every_five_seconds(
    refusals: int, retry_s: float
) -> None:
    assert Batch(records=(), refusals=refusals).retry_s == pytest.approx(retry_s)


def test_a_throttled_batch_is_tried_again_and_nothing_more_is_received_meanwhile(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="30")
    aws.clock.freeze(True)
    queue.send_all([str(number) for number in range(100)])
    is_full = [True]

    def throttle(_: Call) -> None:
        if is_full[0]:
            raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = throttle
    bind(around, queue)
    settle(around)
    visible, hidden = queue.counts()
    assert hidden <= 50  # at most what the first readers took
    is_full[0] = False
    aws.clock.advance(1)
    settle(around)
    assert queue.counts() == (0, 0)
    assert visible + hidden == 100
    receive_counts = {
        record["attributes"]["ApproximateReceiveCount"]
        for call in invoker.calls
        for record in json.loads(call.payload)["Records"]
    }
    assert receive_counts == {"1"}


def test_a_function_in_a_loop_with_its_queue_is_stopped(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="30")
    seen: list[str | None] = []

    def stop(call: Call) -> None:
        seen.append(call.trace_header)
        raise LambdaError("RecursiveInvocationException", "a loop")

    invoker.on_call = stop
    digest = recursion.advanced("Root=1", FUNCTION).partition("Lineage=")[2].partition(":")[0]
    aws.clock.freeze(True)
    for header in ("Root=1-0-0", f"Root=1-0-1;Lineage={digest}:16"):
        attribute = {"DataType": "String", "StringValue": header}
        queue.send("x", MessageSystemAttributes={"AWSTraceHeader": attribute})
    bind(around, queue)
    settle(around)
    assert seen == [f"Root=1-0-1;Lineage={digest}:16"]
    assert queue.counts() == (0, 2)
    aws.clock.advance(20)
    settle(around)
    assert len(seen) == 1


def test_a_missing_function_costs_no_receive_and_is_found_when_it_comes_back(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, tmp_path: Path
) -> None:
    queue = Queue(sqs, "q")
    mapping = bind(around, queue)
    around.functions.remove(ACCOUNT, REGION, "f")
    queue.send("x")
    settle(around)
    assert around.mappings.last_result(mapping.uuid) == "PROBLEM: Function not found"
    assert queue.counts() == (1, 0)
    deploy(around, tmp_path)
    settle(around)
    assert received(invoker) == ["x"]
    assert around.mappings.last_result(mapping.uuid) == "OK"


def test_messages_wait_for_an_alias(around: Surroundings, invoker: FakeInvoker, sqs: Any) -> None:
    queue = Queue(sqs, "q")
    bind(around, queue, function_arn=f"{FUNCTION}:live")
    queue.send("x")
    settle(around)
    assert received(invoker) == []
    assert queue.counts() == (1, 0)
    alias = Alias(name="live", version="$LATEST", revision_id="r")
    around.functions.create_alias(Target(ACCOUNT, REGION, "f"), alias)
    settle(around)
    assert received(invoker) == ["x"]
    assert invoker.calls[-1].function == f"{FUNCTION}:live"


def test_a_function_that_goes_before_its_batch_runs_leaves_the_messages_to_others(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, tmp_path: Path
) -> None:
    queue = Queue(sqs, "q")

    def go(_: Call) -> None:
        around.functions.remove(ACCOUNT, REGION, "f")
        raise LambdaError("ResourceNotFoundException", "Function not found")

    invoker.on_call = go
    mapping = bind(around, queue)
    queue.send("x")
    settle(around)
    assert around.mappings.last_result(mapping.uuid) == "PROBLEM: Function not found"
    assert queue.counts() == (1, 0)
    invoker.on_call = None
    deploy(around, tmp_path)
    settle(around)
    assert received(invoker) == ["x", "x"]


def test_a_queue_may_go_and_come_back(around: Surroundings, invoker: FakeInvoker, sqs: Any) -> None:
    queue = Queue(sqs, "q")
    mapping = bind(around, queue)
    settle(around)
    sqs.delete_queue(QueueUrl=queue.url)
    settle(around)
    missing = "PROBLEM: The specified queue does not exist"
    assert around.mappings.last_result(mapping.uuid) == missing
    Queue(sqs, "q").send("x")
    settle(around)
    assert received(invoker) == ["x"]


@pytest.mark.parametrize("action", ["purge_queue", "delete_queue"])
def test_a_queue_may_lose_its_messages_while_a_batch_runs(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, action: str
) -> None:
    queue = Queue(sqs, "q")
    invoker.on_call = lambda call: getattr(sqs, action)(QueueUrl=queue.url)
    bind(around, queue)
    queue.send("x")
    settle(around)
    assert received(invoker) == ["x"]


def test_a_disabled_mapping_reads_nothing_and_gives_back_what_it_gathered(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    aws.clock.freeze(True)
    mapping = bind(around, queue, batch_size=100, window_s=60)
    queue.send("x")
    settle(around)
    assert queue.counts() == (0, 1)
    around.mappings.declare(replace(mapping, is_enabled=False))
    assert queue.counts() == (1, 0)
    aws.clock.advance(60)
    settle(around)
    assert invoker.calls == []


@pytest.mark.parametrize("window_s", [0, 10])
def test_what_is_received_while_the_mapping_goes_is_given_back(
    around: Surroundings,
    invoker: FakeInvoker,
    sqs: Any,
    monkeypatch: pytest.MonkeyPatch,
    window_s: int,
) -> None:
    queue = Queue(sqs, "q")
    queue.send("x")
    receive = around.moto.queues.receive

    def receive_and_withdraw(arn: str, most: int) -> Any:
        receipt = receive(arn, most)
        around.mappings.reset()
        return receipt

    monkeypatch.setattr(around.moto.queues, "receive", receive_and_withdraw)
    bind(around, queue, window_s=window_s)
    settle(around)
    assert invoker.calls == []
    assert queue.counts() == (1, 0)


def test_options_change_while_it_runs(around: Surroundings, invoker: FakeInvoker, sqs: Any) -> None:
    queue = Queue(sqs, "q")
    mapping = bind(around, queue)
    around.mappings.declare(
        replace(mapping, batch_size=1, filters=('{"body":["a"]}',), function_arn=f"{FUNCTION}")
    )
    queue.send_all(["a", "b", "a"])
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["a"], ["a"]]


def test_a_slow_function_delays_no_other_mapping(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    slow, quick = Queue(sqs, "slow"), Queue(sqs, "quick")
    done, has_run = threading.Event(), threading.Event()

    def answer(call: Call) -> InvocationResult:
        if bodies(call) == ["slow"]:
            assert done.wait(WAIT_S)
        else:
            has_run.set()
        return answered()

    invoker.answer = answer
    bind(around, slow)
    bind(around, quick)
    slow.send("slow")
    quick.send("quick")
    assert has_run.wait(WAIT_S)
    done.set()
    settle(around)
