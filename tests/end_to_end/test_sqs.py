"""SQS: from boto3's send_message to the event a handler gets, and to what it does."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator, started_emulator

ACCOUNT = "000000000000"
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
TOP = """
[resources]
buckets = ["seen"]
queues = ["dead", "plain", "busy", "many"]
"""
ORDERS = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    for record in event["Records"]:
        if record["body"] == "fail":
            raise RuntimeError("no")
        s3.put_object(Bucket="seen", Key=record["body"])
    return event
"""
ORDERS_TRIGGER = """
[[functions.orders.triggers]]
source = "sqs"
queue = "orders"
filters = [{ body = [{ anything-but = ["unwanted"] }] }]
"""
STEPS = """
import json
def handler(event, context):
    done, left, stopped = [], [], set()
    for record in event["Records"]:
        group = record["attributes"]["MessageGroupId"]
        if record["body"].endswith("!"):
            stopped.add(group)
        if group in stopped:  # what comes after a failure in its group is reported with it
            left.append({"itemIdentifier": record["messageId"]})
        else:
            done.append(record["body"])
    return {"batchItemFailures": left, "done": done}
"""
STEPS_TRIGGER = """
[[functions.steps.triggers]]
source = "sqs"
queue = "steps.fifo"
report_item_failures = true
"""
MANY = """
def handler(event, context):
    counts = [int(each["attributes"]["ApproximateReceiveCount"]) for each in event["Records"]]
    numbers = [int(each["body"]) for each in event["Records"]]
    # One batch in twenty fails, the first time it is seen.
    if max(counts) == 1 and any(number % 2000 == 7 for number in numbers):
        raise RuntimeError("no")
    return numbers
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(2)
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("orders", ORDERS, ORDERS_TRIGGER)
    folder.add("steps", STEPS, STEPS_TRIGGER)
    folder.add("many", MANY)
    folder.add("slow", SLOW, "timeout_s = 20")
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(started: RunningEmulator) -> Iterator[RunningEmulator]:
    started.reset()
    yield started
    freeze(started, False)


def freeze(emulator: RunningEmulator, frozen: bool) -> None:
    move_clock(emulator, {"freeze": frozen})


def move_clock(emulator: RunningEmulator, order: dict[str, Any]) -> None:
    import urllib.request

    request = urllib.request.Request(
        f"{emulator.endpoint}/_emulator/clock", json.dumps(order).encode(), method="POST"
    )
    with urllib.request.urlopen(request):
        pass


def url(sqs: Any, queue: str) -> str:
    found: str = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return found


def seen(emulator: RunningEmulator) -> list[str]:
    objects = emulator.client("s3").list_objects_v2(Bucket="seen").get("Contents", [])
    return [each["Key"] for each in objects]


def counts(sqs: Any, queue: str) -> tuple[int, int]:
    """How many messages are visible, and how many are not."""
    found = sqs.get_queue_attributes(QueueUrl=url(sqs, queue), AttributeNames=["All"])
    prefix = "ApproximateNumberOfMessages"
    attributes = found["Attributes"]
    return int(attributes[prefix]), int(attributes[f"{prefix}NotVisible"])


def receive_counts(emulator: RunningEmulator, function: str) -> list[str]:
    """ApproximateReceiveCount of the first record of each invocation, oldest first."""
    return [
        each["event"]["Records"][0]["attributes"]["ApproximateReceiveCount"]
        for each in reversed(emulator.invocations(function))
    ]


def test_a_message_reaches_the_handler_as_in_aws(emulator: RunningEmulator) -> None:
    sqs = emulator.client("sqs")
    queue = url(sqs, "orders")
    sqs.send_message(QueueUrl=queue, MessageBody="unwanted")
    sent = sqs.send_message(
        QueueUrl=queue,
        MessageBody="wanted",
        MessageAttributes={"Title": {"DataType": "String", "StringValue": "x"}},
    )
    emulator.settle()
    assert seen(emulator) == ["wanted"]
    assert counts(sqs, "orders") == (0, 0)
    [invocation] = emulator.invocations("orders")
    assert (invocation["source"], invocation["cause"]) == ("sqs", sent["MessageId"])
    assert invocation["response"] == invocation["event"]
    [record] = invocation["event"]["Records"]
    assert len(record.pop("receiptHandle")) > 100
    attributes = record.pop("attributes")
    assert set(attributes) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert int(attributes["SentTimestamp"]) <= int(attributes["ApproximateFirstReceiveTimestamp"])
    assert record == {
        "messageId": sent["MessageId"],
        "body": "wanted",
        "messageAttributes": {
            "Title": {
                "stringValue": "x",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{ARN}orders",
        "awsRegion": "us-east-1",
    }


def test_a_failing_function_gets_the_message_again_until_it_is_a_dead_letter(
    emulator: RunningEmulator,
) -> None:
    sqs = emulator.client("sqs")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": "2"})
    sqs.set_queue_attributes(QueueUrl=url(sqs, "orders"), Attributes={"RedrivePolicy": policy})
    freeze(emulator, True)
    sqs.send_message(QueueUrl=url(sqs, "orders"), MessageBody="fail")
    emulator.settle()
    [mapping] = emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"][:1]
    assert receive_counts(emulator, "orders") == ["1"]
    assert counts(sqs, "orders") == (0, 1)
    emulator.advance(30)
    emulator.settle()
    assert receive_counts(emulator, "orders") == ["1", "2"]
    emulator.advance(30)
    emulator.settle()
    assert len(emulator.invocations("orders")) == 2
    assert (counts(sqs, "orders"), counts(sqs, "dead")) == ((0, 0), (1, 0))
    [message] = sqs.receive_message(QueueUrl=url(sqs, "dead"))["Messages"]
    assert message["Body"] == "fail"
    assert mapping["State"] == "Enabled"


def test_a_failing_group_waits_while_the_others_go_on(emulator: RunningEmulator) -> None:
    sqs = emulator.client("sqs")
    queue = url(sqs, "steps.fifo")
    freeze(emulator, True)
    for number in range(3):
        for group in ("a", "b"):
            body = f"{group}{number}" + ("!" if (group, number) == ("a", 1) else "")
            sqs.send_message(
                QueueUrl=queue,
                MessageBody=body,
                MessageGroupId=group,
                MessageDeduplicationId=body,
            )
    emulator.settle()

    def done() -> list[str]:
        invocations = reversed(emulator.invocations("steps"))
        return [body for each in invocations for body in each["response"]["done"]]

    assert [body for body in done() if body[0] == "b"] == ["b0", "b1", "b2"]
    assert [body for body in done() if body[0] == "a"] == ["a0"]
    assert counts(sqs, "steps.fifo")[1] >= 1
    before = len(emulator.invocations("steps"))
    emulator.advance(30)
    emulator.settle()
    again = emulator.invocations("steps")[: len(emulator.invocations("steps")) - before]
    assert [each["event"]["Records"][0]["body"] for each in again] == ["a1!"]


def test_ten_thousand_messages_with_failing_batches_are_all_processed(
    emulator: RunningEmulator,
) -> None:
    sqs = emulator.client("sqs")
    queue = url(sqs, "many")
    for start in range(0, 10_000, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    freeze(emulator, True)
    uuid = emulator.client("lambda").create_event_source_mapping(
        FunctionName="many",
        EventSourceArn=f"{ARN}many",
        BatchSize=100,
        MaximumBatchingWindowInSeconds=1,
        MetricsConfig={"Metrics": ["EventCount"]},
    )["UUID"]
    for _ in range(3):  # a window that is not full, the visibility timeout, its last window
        emulator.settle(60)
        emulator.advance(30)
    emulator.settle(60)
    assert counts(sqs, "many") == (0, 0)
    invocations = emulator.request("GET", "/_emulator/invocations?function=many&limit=1000")
    done = Counter(
        number for each in invocations if each["status"] == "success" for number in each["response"]
    )
    failed = [len(each["event"]["Records"]) for each in invocations if each["status"] == "error"]
    assert done == Counter(range(10_000))  # each once, as nothing was lost and nothing timed out
    assert 1 <= len(failed) <= 5
    freeze(emulator, False)
    assert total(emulator, uuid, "DeletedEventCount") == 10_000
    assert total(emulator, uuid, "FailedInvokeEventCount") == sum(failed)


def total(emulator: RunningEmulator, uuid: str, metric: str) -> float:
    now = emulator.request("GET", "/_emulator/clock")["now"]
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "EventSourceMappingUUID", "Value": uuid}],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(each["Sum"] for each in points))


def test_a_slow_handler_delays_no_other_mapping(emulator: RunningEmulator) -> None:
    sqs, functions = emulator.client("sqs"), emulator.client("lambda")
    functions.create_event_source_mapping(FunctionName="slow", EventSourceArn=f"{ARN}busy")
    sqs.send_message(QueueUrl=url(sqs, "busy"), MessageBody="x")
    sqs.send_message(QueueUrl=url(sqs, "orders"), MessageBody="warm")
    deadline = time.monotonic() + 1.5
    while seen(emulator) != ["warm"]:
        assert time.monotonic() < deadline
    assert emulator.invocations("slow") == []  # it still runs
    emulator.settle()
    assert len(emulator.invocations("slow")) == 1


def test_a_mapping_made_by_api_is_kept_true_to_its_options(emulator: RunningEmulator) -> None:
    sqs, functions = emulator.client("sqs"), emulator.client("lambda")
    made = functions.create_event_source_mapping(
        FunctionName="orders", EventSourceArn=f"{ARN}plain", BatchSize=2
    )
    for body in ("a", "b", "c"):
        sqs.send_message(QueueUrl=url(sqs, "plain"), MessageBody=body)
    emulator.settle()
    assert seen(emulator) == ["a", "b", "c"]
    found = functions.get_event_source_mapping(UUID=made["UUID"])
    assert (found["State"], found["LastProcessingResult"]) == ("Enabled", "OK")
    functions.delete_event_source_mapping(UUID=made["UUID"])
    sqs.send_message(QueueUrl=url(sqs, "plain"), MessageBody="d")
    emulator.settle()
    assert seen(emulator) == ["a", "b", "c"]
    assert counts(sqs, "plain") == (1, 0)


def test_a_mapping_outlives_a_kill_and_waits_for_its_queue(tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("f", "def handler(event, context): ...")
    data = ("--data-dir", str(tmp_path / "data"))
    with started_emulator(folder.path, *data) as emulator:
        emulator.client("sqs").create_queue(QueueName="q")
        made = emulator.client("lambda").create_event_source_mapping(
            FunctionName="f", EventSourceArn=f"{ARN}q", BatchSize=3
        )
        emulator.process.kill()
    with running_emulator(folder.path, *data) as emulator:
        sqs, functions = emulator.client("sqs"), emulator.client("lambda")
        sqs.list_queues()  # SQS is loaded, if it was not yet: the queue is gone
        emulator.settle()
        found = functions.get_event_source_mapping(UUID=made["UUID"])
        assert (found["State"], found["BatchSize"]) == ("Enabled", 3)
        assert found["LastProcessingResult"] == "PROBLEM: The specified queue does not exist"
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        emulator.settle()
        assert len(emulator.invocations("f")) == 1
        found = functions.get_event_source_mapping(UUID=made["UUID"])
        assert found["LastProcessingResult"] == "OK"
