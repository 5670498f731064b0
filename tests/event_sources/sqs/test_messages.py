"""Messages as events, and what becomes of them afterwards.

Source: spec/event-source-mappings.md sections 3 and 4, spec/events.md section 3.
"""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.event_sources import Surroundings
from emulator.invoke.recursion import advanced, stopped
from emulator.model import Call, InvocationResult
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker, answered, settle
from tests.event_sources.sqs.sqs_lab import (
    ERROR,
    FUNCTION,
    REGION,
    WAIT_S,
    Queue,
    bind,
    bodies,
    received,
)


def test_a_message_becomes_aws_s_event(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q")
    bind(around, queue)
    sent = sqs.send_message(
        QueueUrl=queue.url,
        MessageBody="é",
        MessageAttributes={
            "Title": {"DataType": "String", "StringValue": "x"},
            "Bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-0-1;Sampled=1"}
        },
    )
    settle(around)
    (call,) = invoker.calls
    (record,) = json.loads(call.payload)["Records"]
    assert (call.function, call.source, call.cause) == (FUNCTION, "sqs", sent["MessageId"])
    assert call.trace_header == "Root=1-0-1;Sampled=1"
    assert record.pop("receiptHandle")
    attributes = record.pop("attributes")
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert abs(int(attributes.pop(name)) / 1000 - aws.clock.now()) < WAIT_S
    assert attributes == {
        "ApproximateReceiveCount": "1",
        "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
        "AWSTraceHeader": "Root=1-0-1;Sampled=1",
    }
    common: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "messageId": sent["MessageId"],
        "body": "é",
        "messageAttributes": {
            "Title": {"stringValue": "x", **common, "dataType": "String"},
            "Bytes": {"binaryValue": "AP8=", **common, "dataType": "Binary"},
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": REGION,
    }
    assert queue.counts() == (0, 0)


def test_without_attributes_their_md5_is_null(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    bind(around, queue)
    queue.send("x")
    settle(around)
    (record,) = json.loads(invoker.calls[0].payload)["Records"]
    assert (record["messageAttributes"], record["md5OfMessageAttributes"]) == ({}, None)


def test_a_fifo_message_has_its_own_attributes(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q.fifo")
    bind(around, queue)
    queue.send("x", MessageGroupId="g", MessageDeduplicationId="d")
    settle(around)
    (record,) = json.loads(invoker.calls[0].payload)["Records"]
    attributes = record["attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("g", "d")
    assert len(attributes["SequenceNumber"]) == 20
    assert "DeadLetterQueueSourceArn" not in attributes


def test_messages_that_wait_already_are_read(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    queue.send_all([str(number) for number in range(25)])
    bind(around, queue)
    settle(around)
    assert sorted(map(int, received(invoker))) == list(range(25))
    assert all(len(bodies(call)) <= 10 for call in invoker.calls)
    assert queue.counts() == (0, 0)


def test_what_is_no_text_is_refused_and_holds_up_no_other_message(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue, half = Queue(sqs, "q"), "half a pair: \ud800"
    attributes = {"a": {"DataType": "String", "StringValue": half}}
    batch = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(("first", half))]
    for send in (
        lambda: queue.send(half),
        lambda: queue.send("body", MessageAttributes=attributes),
        lambda: sqs.send_message_batch(QueueUrl=queue.url, Entries=batch),
    ):
        with pytest.raises(ClientError, match=r"InvalidMessageContents.*outside the allowed set"):
            send()
    aws.moto.queues.send(queue.arn, half, {"RequestID": ("String", half)})
    queue.send("good")
    bind(around, queue)
    settle(around)
    assert sorted(received(invoker)) == ["good", "half a pair: ?"]


def test_a_failed_batch_comes_back_after_the_visibility_timeout(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="30")
    mapping = bind(around, queue)
    invoker.answer = lambda call: ERROR
    aws.clock.freeze(True)
    queue.send("x")
    settle(around)
    assert around.mappings.last_result(mapping.uuid) == "PROBLEM: Function call failed"
    assert queue.counts() == (0, 1)
    aws.clock.advance(29)
    settle(around)
    assert len(invoker.calls) == 1
    invoker.answer = lambda call: answered()
    aws.clock.advance(1)
    settle(around)
    assert around.mappings.last_result(mapping.uuid) == "OK"
    counts = [
        json.loads(call.payload)["Records"][0]["attributes"]["ApproximateReceiveCount"]
        for call in invoker.calls
    ]
    assert counts == ["1", "2"]
    assert queue.counts() == (0, 0)


@pytest.mark.parametrize("fails", [False, True])
def test_a_batch_runs_once_though_the_clock_moves_past_its_visibility_meanwhile(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws, fails: bool
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="30")
    counts: list[tuple[int, int]] = []

    def move_the_clock(_: Call) -> None:
        if not counts:
            aws.clock.advance(3_600)
            counts.append(queue.counts())

    answers = iter([ERROR if fails else answered(), answered()])
    invoker.answer = lambda call: next(answers)
    invoker.on_call = move_the_clock
    bind(around, queue)
    queue.send("x")
    settle(around)
    assert counts == [(0, 1)]
    received = [json.loads(call.payload)["Records"][0] for call in invoker.calls]
    seen = [record["attributes"]["ApproximateReceiveCount"] for record in received]
    assert seen == (["1", "2"] if fails else ["1"])  # what failed is due, and comes at once
    assert queue.counts() == (0, 0)


def test_what_waits_behind_a_failed_batch_comes_back_with_it(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q.fifo", VisibilityTimeout="600")
    queue.send(*(letter * 900_000 for letter in "abcdefgh"), MessageGroupId="g")  # two batches
    answers = iter([ERROR])
    invoker.answer = lambda call: next(answers, answered())
    aws.clock.freeze(True)
    bind(around, queue)
    settle(around)
    assert len(invoker.calls) == 1
    aws.clock.advance(600)
    settle(around)
    assert "".join(body[0] for body in received(invoker)) == "abcdefabcdefgh"
    assert queue.counts() == (0, 0)


def test_a_window_and_its_visibility_may_be_over_at_once(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="30")
    bind(around, queue, window_s=20)
    queue.send("x")
    settle(around)
    aws.clock.advance(3_600)
    settle(around)
    assert len(invoker.calls) == 1
    assert queue.counts() == (0, 0)


def test_what_fails_too_often_goes_to_the_queue_s_dead_letter_queue(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    dead = Queue(sqs, "dead")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": "2"})
    queue = Queue(sqs, "q", VisibilityTimeout="30", RedrivePolicy=policy)
    bind(around, queue)
    invoker.answer = lambda call: ERROR
    aws.clock.freeze(True)
    queue.send("x")
    for _ in range(3):
        settle(around)
        aws.clock.advance(30)
    settle(around)
    assert len(invoker.calls) == 2
    assert (queue.counts(), dead.counts()) == ((0, 0), (1, 0))
    invoker.answer = lambda call: answered()
    bind(around, dead)
    settle(around)
    (record,) = json.loads(invoker.calls[-1].payload)["Records"]
    assert record["attributes"]["DeadLetterQueueSourceArn"] == queue.arn
    assert record["attributes"]["ApproximateReceiveCount"] == "3"  # of all queues together


def test_a_batch_in_a_loop_goes_to_the_dead_letter_queue(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    def refuse(call: Call) -> InvocationResult:
        raise stopped()

    around.clock.freeze(True)
    invoker.answer = refuse
    dead = Queue(sqs, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    queue = Queue(sqs, "q", RedrivePolicy=redrive, VisibilityTimeout="30")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
    far = advanced(advanced(trace, FUNCTION), FUNCTION)
    for header in (trace, far, advanced(trace, FUNCTION)):
        attribute = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}
        queue.send("m", MessageSystemAttributes=attribute)
    bind(around, queue)
    settle(around)
    around.clock.advance(5)
    settle(around)
    [call] = invoker.calls  # not tried again while it is hidden
    assert call.trace_header == far
    around.clock.advance(26)
    settle(around)
    assert len(invoker.calls) == 1
    assert (queue.counts(), dead.counts()) == ((0, 0), (3, 0))


def test_a_delayed_message_comes_when_it_is_due(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q")
    bind(around, queue)
    aws.clock.freeze(True)
    queue.send("later", DelaySeconds=60)
    queue.send("sooner", DelaySeconds=30)
    settle(around)
    assert invoker.calls == []
    aws.clock.advance(30)
    settle(around)
    aws.clock.advance(30)
    settle(around)
    assert received(invoker) == ["sooner", "later"]


def test_what_somebody_else_received_is_seen_when_it_comes_back(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q")
    mapping = bind(around, queue, is_enabled=False)
    queue.send("x")
    sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=60)
    around.mappings.declare(replace(mapping, is_enabled=True))
    settle(around)
    assert invoker.calls == []
    aws.clock.advance(60)
    settle(around)
    assert received(invoker) == ["x"]


REPORTS: list[tuple[Any, set[str]]] = [
    (None, set()),
    ({}, set()),
    ({"batchItemFailures": []}, set()),
    ({"batchItemFailures": None}, set()),
    ({"other": 1}, set()),
    ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
    ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]}, {"b", "c"}),
    ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b", "c"}),
    ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b", "c"}),
    ({"batchItemFailures": [{"wrong": "b"}]}, {"a", "b", "c"}),
    ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b", "c"}),
    (
        {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "unknown"}]},
        {"a", "b", "c"},
    ),
    ({"batchItemFailures": ["b"]}, {"a", "b", "c"}),
    ({"batchItemFailures": "b"}, {"a", "b", "c"}),
]


@pytest.mark.parametrize(("response", "failed"), REPORTS)
def test_a_function_may_report_which_items_failed(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, response: Any, failed: set[str]
) -> None:
    queue = Queue(sqs, "q")

    def answer(call: Call) -> InvocationResult:
        # The table names messages by their bodies.
        ids = {each["body"]: each["messageId"] for each in json.loads(call.payload)["Records"]}
        text = json.dumps(response)
        for body, message_id in ids.items():
            text = text.replace(f'"{body}"', f'"{message_id}"')
        return answered(text.encode())

    invoker.answer = answer
    queue.send("a", "b", "c")
    mapping = bind(around, queue, reports_item_failures=True)
    settle(around)
    assert received(invoker) == ["a", "b", "c"]
    assert queue.counts() == (0, len(failed))
    expected = "PROBLEM: Function call failed" if failed else "OK"
    assert around.mappings.last_result(mapping.uuid) == expected


def test_items_that_a_function_reports_as_failed_are_told_on_the_terminal(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, Any]] = []
    monkeypatch.setattr(around.reporter, "event", lambda name, **all_: told.append((name, all_)))
    queue = Queue(sqs, "q")
    invoker.answer = lambda _: answered(b'{"batchItemFailures": [{"itemIdentifier": "unknown"}]}')
    queue.send("a", "b")
    bind(around, queue, reports_item_failures=True)
    settle(around)
    assert told == [("sqs.items_failed", {"function": "f", "queue": "q", "failed": 2, "batch": 2})]


@pytest.mark.parametrize("reports", [False, True])
def test_a_report_is_ignored_unless_it_was_asked_for(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, reports: bool
) -> None:
    queue = Queue(sqs, "q")
    invoker.answer = lambda call: answered(b"no JSON")
    bind(around, queue, reports_item_failures=reports)
    queue.send("x")
    settle(around)
    assert queue.counts() == (0, 1 if reports else 0)


def test_filtered_messages_are_deleted_at_once(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    bind(around, queue, filters=('{"body":{"kind":["wanted"]}}',))
    queue.send('{"kind":"wanted"}', '{"kind":"other"}', "text")
    settle(around)
    assert received(invoker) == ['{"kind":"wanted"}']
    assert queue.counts() == (0, 0)


def test_event_counts_are_metrics(around: Surroundings, invoker: FakeInvoker, sqs: Any) -> None:
    queue = Queue(sqs, "q")
    mapping = bind(around, queue, counts_events=True, filters=('{"body":["a","b"]}',))
    invoker.answer = lambda call: ERROR
    queue.send_all(["a", "b", "c"])
    settle(around)
    found = {
        each.name: each.total
        for each in around.metrics.drain()
        if dict(each.dimensions) == {"EventSourceMappingUUID": mapping.uuid}
    }
    assert found == {
        "PolledEventCount": 3,
        "FilteredOutEventCount": 1,
        "InvokedEventCount": 2,
        "FailedInvokeEventCount": 2,
    }
