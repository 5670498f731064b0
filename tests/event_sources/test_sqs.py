"""SQS as an event source, with a real queue and an invoker that runs nothing.

Source: spec/event-source-mappings.md sections 3 and 4, spec/events.md section 3.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.control import CodeStore, FunctionSpec, Target
from emulator.control.alias import Alias
from emulator.event_sources import Surroundings
from emulator.event_sources.mappings import Mappings
from emulator.event_sources.sqs_batch import Batch
from emulator.event_sources.sqs_poller import SqsPoller
from emulator.invoke import recursion
from emulator.invoke.recursion import advanced, stopped
from emulator.model import Call, InvocationResult, LambdaError
from emulator.model.mapping import EventSourceMapping
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker, answered

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
ERROR = answered(b"{}", "Unhandled")
WAIT_S = 10.0

Send = Callable[..., Any]


class Queue:
    """A queue, as a producer and an operator see it."""

    def __init__(self, sqs: Any, name: str, **attributes: str) -> None:
        self.sqs = sqs
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        self.url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def send(self, *bodies: str, **members: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **members)

    def send_all(self, bodies: list[str]) -> None:
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + 10])
            ]
            self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def counts(self) -> tuple[int, int]:
        """How many are visible, and how many are not."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        prefix = "ApproximateNumberOfMessages"
        attributes = found["Attributes"]
        return int(attributes[prefix]), int(attributes[f"{prefix}NotVisible"])


@pytest.fixture(scope="module")
def manager(surroundings: Surroundings) -> Iterator[Mappings]:
    made = Mappings(surroundings)
    yield made
    made.stop(WAIT_S)


@pytest.fixture
def sqs(client: Any) -> Any:
    return client("sqs")


@pytest.fixture
def around(
    surroundings: Surroundings, manager: Mappings, invoker: FakeInvoker, aws: Aws, tmp_path: Path
) -> Iterator[Surroundings]:
    deploy(surroundings, tmp_path)
    yield surroundings
    surroundings.mappings.reset()
    surroundings.functions.reset()
    aws.clock.freeze(False)
    assert "sqs.failed" not in aws.terminal.getvalue()


def deploy(around: Surroundings, folder: Path) -> None:
    (folder / "app.py").write_text("")
    code = CodeStore(folder / "store").from_folder(folder, live=False)
    spec = FunctionSpec(name="f", runtime="python3.12", handler="a.b", role="r", timeout_s=3)
    around.functions.deploy(spec, code)


def bind(around: Surroundings, queue: Queue, **options: Any) -> EventSourceMapping:
    mapping = EventSourceMapping(
        **{
            "uuid": str(uuid.uuid4()),
            "account": ACCOUNT,
            "region": REGION,
            "source_arn": queue.arn,
            "function_arn": FUNCTION,
            "batch_size": 10,
            **options,
        }
    )
    around.mappings.declare(mapping)
    return mapping


def settle(around: Surroundings) -> None:
    assert around.activity.wait_idle(WAIT_S), around.activity.pending()


def bodies(call: Call) -> list[str]:
    return [record["body"] for record in json.loads(call.payload)["Records"]]


def received(invoker: FakeInvoker) -> list[str]:
    return [body for call in invoker.calls for body in bodies(call)]


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
    aws.moto.send_message(queue.arn, half, {"RequestID": ("String", half)})
    queue.send("good")
    bind(around, queue)
    settle(around)
    assert sorted(received(invoker)) == ["good", "half a pair: ?"]


def test_a_batch_is_no_larger_than_batch_size(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    queue.send_all([str(number) for number in range(5)])
    bind(around, queue, batch_size=2)
    settle(around)
    assert sorted(len(bodies(call)) for call in invoker.calls) == [1, 2, 2]


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


@pytest.mark.parametrize(("refusals", "retry_s"), [(0, 0.1), (3, 0.8), (6, 5.0), (8_640, 5.0)])
def test_a_batch_that_is_refused_again_and_again_is_tried_every_five_seconds(
    refusals: int, retry_s: float
) -> None:
    assert Batch(records=(), refusals=refusals).retry_s == pytest.approx(retry_s)


def test_what_a_reader_leaves_when_fewer_are_allowed_is_run_by_another(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    aws.clock.freeze(True)
    are_reading, go_on, has_gathered = threading.Barrier(2), threading.Event(), threading.Event()
    receive, gather = SqsPoller._receive, SqsPoller._gather

    def read_with_another(self: SqsPoller, *arguments: Any) -> Any:
        """The first two readers meet; the one that found nothing ends after the other one."""
        found = receive(self, *arguments)
        if not go_on.is_set():
            are_reading.wait(WAIT_S)
            go_on.set()
            if not found or not found.messages:
                assert has_gathered.wait(WAIT_S)
        return found

    def gather_and_shrink(self: SqsPoller, *arguments: Any) -> None:
        gather(self, *arguments)
        with self._lock:
            self._pace.shrink(self._readers)

    def end(self: SqsPoller, seen: int | None = None) -> bool:
        try:
            return original_end(self, seen)
        finally:
            has_gathered.set()

    original_end = SqsPoller._end
    monkeypatch.setattr(SqsPoller, "_receive", read_with_another)
    monkeypatch.setattr(SqsPoller, "_gather", gather_and_shrink)
    monkeypatch.setattr(SqsPoller, "_end", end)
    queue.send("1")
    mapping = bind(around, queue, batch_size=1, window_s=300)
    around.mappings.declare(mapping)  # wakes a second reader
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1"]]


def test_a_window_gathers_from_its_first_record_on(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    bind(around, queue, batch_size=100, window_s=20)
    aws.clock.freeze(True)
    queue.send("1")
    settle(around)
    aws.clock.advance(19)
    queue.send("2")
    settle(around)
    assert invoker.calls == []
    aws.clock.advance(1)
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1", "2"]]
    queue.send("3")
    settle(around)
    aws.clock.advance(19)
    settle(around)
    assert len(invoker.calls) == 1
    aws.clock.advance(1)
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1", "2"], ["3"]]
    assert queue.counts() == (0, 0)


def test_a_full_batch_closes_its_window(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    aws.clock.freeze(True)
    queue.send_all([str(number) for number in range(30)])
    bind(around, queue, batch_size=25, window_s=300)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [25]
    aws.clock.advance(300)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [25, 5]


def test_an_event_is_never_larger_than_six_megabytes(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q", MaximumMessageSize="1048576")
    for number in range(8):
        queue.send(str(number) + "x" * 1_000_000)
    bind(around, queue)
    settle(around)
    assert len(received(invoker)) == 8
    assert len(invoker.calls) >= 2
    assert max(len(call.payload) for call in invoker.calls) <= 6_291_456
    assert queue.counts() == (0, 0)


def test_the_window_s_batch_obeys_six_megabytes_too(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", MaximumMessageSize="1048576", VisibilityTimeout="600")
    aws.clock.freeze(True)
    for number in range(8):
        queue.send(str(number) + "x" * 1_000_000)
    bind(around, queue, batch_size=1000, window_s=10)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [6]
    aws.clock.advance(10)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [6, 2]


def test_groups_keep_their_order_and_a_failed_one_blocks_itself_only(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q.fifo", VisibilityTimeout="30")
    aws.clock.freeze(True)
    for number in range(12):
        queue.send(f"a{number}", MessageGroupId="a")
        queue.send(f"b{number}", MessageGroupId="b")
    failing = {"a"}
    invoker.answer = lambda call: (
        ERROR if any(body[0] in failing for body in bodies(call)) else answered()
    )
    bind(around, queue, batch_size=5)
    settle(around)
    in_order = [f"{group}{number}" for group in "ab" for number in range(12)]
    assert [body for body in received(invoker) if body[0] == "b"] == in_order[12:]
    assert [body for body in received(invoker) if body[0] == "a"] == in_order[:5]
    failing.clear()
    aws.clock.advance(30)
    settle(around)
    assert [body for body in received(invoker) if body[0] == "a"][5:] == in_order[:12]
    assert queue.counts() == (0, 0)


def test_one_batch_of_a_group_at_a_time(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q.fifo")
    running: set[str] = set()
    lock = threading.Lock()
    clashes: list[str] = []

    def answer(call: Call) -> InvocationResult:
        groups = {body[0] for body in bodies(call)}
        with lock:
            clashes.extend(groups & running)
            running.update(groups)
        threading.Event().wait(0.005)
        with lock:
            running.difference_update(groups)
        return answered()

    invoker.answer = answer
    for number in range(20):
        for group in "abc":
            queue.send(f"{group}{number}", MessageGroupId=group)
    bind(around, queue, batch_size=2)
    settle(around)
    assert clashes == []
    assert len(received(invoker)) == 60


def test_maximum_concurrency_caps_what_runs_at_once(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    queue.send_all([str(number) for number in range(40)])
    lock, running, most = threading.Lock(), [0], [0]

    def answer(call: Call) -> InvocationResult:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with lock:
            running[0] -= 1
        return answered()

    invoker.answer = answer
    bind(around, queue, batch_size=2, maximum_concurrency=2)
    settle(around)
    assert most[0] == 2


@pytest.mark.parametrize(
    ("options", "first", "then"),
    [
        ({}, 5, 10),
        ({"maximum_concurrency": 7}, 5, 7),
        ({"minimum_pollers": 2, "maximum_pollers": 2}, 20, 20),
    ],
)
def test_more_batches_run_the_longer_messages_wait(
    around: Surroundings,
    invoker: FakeInvoker,
    sqs: Any,
    aws: Aws,
    options: dict[str, int],
    first: int,
    then: int,
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    queue.send_all([str(number) for number in range(50)])
    aws.clock.freeze(True)
    changed, is_done, running = threading.Condition(), threading.Event(), [0]

    def answer(_: Call) -> InvocationResult:
        with changed:
            running[0] += 1
            changed.notify_all()
        assert is_done.wait(WAIT_S)
        return answered()

    def wait_for(number: int) -> bool:
        with changed:
            return changed.wait_for(lambda: running[0] >= number, WAIT_S)

    invoker.answer = answer
    bind(around, queue, batch_size=1, **options)
    assert wait_for(first)
    assert queue.counts() == (50 - first, first)
    aws.clock.advance(1)
    assert wait_for(then)
    assert queue.counts() == (50 - then, then)
    is_done.set()
    settle(around)
    assert queue.counts() == (0, 0)


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
