"""A stream, its function, and what comes of it: as a user's producer sees it."""

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

TOP = """
[resources]
queues = ["failed"]
[resources.streams.clicks]
shards = 4
[resources.streams.slow]
"""
COUNT_TRIGGER = """
timeout_s = 30
[[functions.count.triggers]]
source = "kinesis"
stream = "clicks"
batch_size = 100
parallelization_factor = 2
report_item_failures = true
maximum_retries = 1
bisect_batch = true
on_failure = "arn:aws:sqs:us-east-1:000000000000:failed"
filters = [{ data = { skip = [{ exists = false }] } }]
"""
# Every twentieth batch has a record that fails whenever it is seen.
COUNT = """
import base64, json

def handler(event, context):
    for record in event["Records"]:
        content = record["kinesis"]
        value = json.loads(base64.b64decode(content["data"]))
        if value.get("bad"):
            raise ValueError("bad")
    return {"batchItemFailures": []}
"""
SLOW_TRIGGER = """
timeout_s = 30
[[functions.slow.triggers]]
source = "kinesis"
stream = "slow"
"""
SLOW = """
import time

def handler(event, context):
    time.sleep(5)
"""
RECORDS = 10_000


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("count", COUNT, COUNT_TRIGGER)
    folder.add("slow", SLOW, SLOW_TRIGGER)
    folder.add("echo", "def handler(event, context):\n    return event\n")
    with running_emulator(folder.path) as running:
        yield running


def all_invocations(emulator: RunningEmulator, function: str) -> list[dict[str, Any]]:
    path = f"/_emulator/invocations?function={function}&limit=1000"
    records: list[dict[str, Any]] = emulator.request("GET", path)
    return records


def decoded(record: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(record["kinesis"]["data"]))


def test_another_functions_five_seconds_delay_nothing(emulator: RunningEmulator) -> None:
    kinesis = emulator.client("kinesis")
    kinesis.put_record(StreamName="slow", Data=b"x", PartitionKey="x")
    began = time.monotonic()
    before = len(all_invocations(emulator, "count"))
    kinesis.put_record(StreamName="clicks", Data=b'{"n":0}', PartitionKey="x")
    done = threading.Event()
    while not done.wait(0.01) and time.monotonic() - began < 4:
        if len(all_invocations(emulator, "count")) > before:
            done.set()
    assert done.is_set()


def test_ten_thousand_records_over_four_shards(emulator: RunningEmulator) -> None:
    kinesis, sqs = emulator.client("kinesis"), emulator.client("sqs")
    entries = [
        {
            "Data": json.dumps({"n": n, **({"bad": True} if n % 2000 == 7 else {})}).encode(),
            "PartitionKey": str(n % 100),
        }
        for n in range(RECORDS)
    ]
    began = time.monotonic()
    for start in range(0, RECORDS, 500):
        answer = kinesis.put_records(StreamName="clicks", Records=entries[start : start + 500])
        assert answer["FailedRecordCount"] == 0
    emulator.settle(60)
    _let_retries_pass(emulator)
    sys.stdout.write(f"10,000 Kinesis records in {time.monotonic() - began:.1f} s\n")

    events = all_invocations(emulator, "count")[::-1]
    succeeded = [one["event"]["Records"] for one in events if one["status"] == "success"]
    first_seen: dict[str, list[int]] = {}
    seen: set[int] = set()
    for record in (record for records in succeeded for record in records):
        number = decoded(record)["n"]
        if number not in seen:
            seen.add(number)
            first_seen.setdefault(record["kinesis"]["partitionKey"], []).append(number)
    bad = {n for n in range(RECORDS) if n % 2000 == 7}
    assert seen == set(range(RECORDS)) - bad
    assert all(numbers == sorted(numbers) for numbers in first_seen.values())
    given_up = _messages(sqs)
    assert len(given_up) == len(bad)
    assert {one["requestContext"]["approximateInvokeCount"] for one in given_up} == {2}
    assert {one["KinesisBatchInfo"]["batchSize"] for one in given_up} == {1}


def test_the_handler_gets_what_aws_sends(emulator: RunningEmulator) -> None:
    kinesis, functions = emulator.client("kinesis"), emulator.client("lambda")
    kinesis.create_stream(StreamName="one", ShardCount=1)
    arn = "arn:aws:kinesis:us-east-1:000000000000:stream/one"
    made = functions.create_event_source_mapping(
        FunctionName="echo", EventSourceArn=arn, StartingPosition="LATEST"
    )
    put = kinesis.put_record(StreamName="one", Data=b"hello", PartitionKey="k")
    emulator.settle()
    [invocation] = emulator.invocations("echo")
    [record] = invocation["response"]["Records"]
    arrived_at = record["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(arrived_at - time.time()) < 60
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": put["SequenceNumber"],
            "data": "aGVsbG8=",
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{put['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/lambda-emulator",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    assert invocation["source"] == "kinesis"
    shown = functions.get_event_source_mapping(UUID=made["UUID"])
    assert (shown["State"], shown["LastProcessingResult"]) == ("Enabled", "OK")
    functions.delete_event_source_mapping(UUID=made["UUID"])


def test_filtered_records_invoke_nothing(emulator: RunningEmulator) -> None:
    before = len(all_invocations(emulator, "count"))
    kinesis = emulator.client("kinesis")
    kinesis.put_record(StreamName="clicks", Data=b'{"skip":1}', PartitionKey="x")
    kinesis.put_record(StreamName="clicks", Data=b"plain text", PartitionKey="x")
    emulator.settle()
    assert len(all_invocations(emulator, "count")) == before


def _let_retries_pass(emulator: RunningEmulator) -> None:
    for _ in range(4):
        emulator.advance(1)
        emulator.settle(60)


def _messages(sqs: Any) -> list[Any]:
    url = sqs.get_queue_url(QueueName="failed")["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found
