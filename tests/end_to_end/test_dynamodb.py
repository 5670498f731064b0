"""A table, the function that hears of its changes, and what comes of it."""

import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

TOP = """
[resources]
buckets = ["failed"]
[resources.tables.orders]
[resources.tables.audit]
stream = "NEW_IMAGE"
"""
# The stream of `orders` is enabled by the trigger.
TRIGGER = """
timeout_s = 30
[[functions.hear.triggers]]
source = "dynamodb"
table = "orders"
batch_size = 100
maximum_retries = 0
bisect_batch = true
on_failure = "arn:aws:s3:::failed"
"""
HEAR = """
import boto3
dynamodb = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage", {})
        if "bad" in image:
            raise ValueError("bad")
        if "copy" in image:
            dynamodb.put_item(TableName="audit", Item=image)
    return event["Records"][-1]["eventName"]
"""
WRITES = 10_000


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("hear", HEAR, TRIGGER)
    folder.add("echo", "def handler(event, context):\n    return event\n")
    with running_emulator(folder.path) as running:
        yield running


def all_invocations(emulator: RunningEmulator, function: str) -> list[dict[str, Any]]:
    path = f"/_emulator/invocations?function={function}&limit=1000"
    records: list[dict[str, Any]] = emulator.request("GET", path)
    return records[::-1]


def test_the_handler_gets_what_aws_sends(emulator: RunningEmulator) -> None:
    dynamodb, functions = emulator.client("dynamodb"), emulator.client("lambda")
    made = dynamodb.create_table(
        TableName="one",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    functions.create_event_source_mapping(
        FunctionName="echo", EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
    )
    dynamodb.put_item(TableName="one", Item={"id": {"S": "1"}, "v": {"N": "5"}})
    emulator.settle()
    dynamodb.update_item(
        TableName="one",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET v = v + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    emulator.settle()
    dynamodb.delete_item(TableName="one", Key={"id": {"S": "1"}})
    emulator.settle()
    records = [one["response"]["Records"] for one in all_invocations(emulator, "echo")]
    assert [[record["eventName"] for record in batch] for batch in records] == [
        ["INSERT"],
        ["MODIFY"],
        ["REMOVE"],
    ]
    [record] = records[1]
    assert re.fullmatch(r"[0-9a-f]{32}", record.pop("eventID"))
    change = record["dynamodb"]
    assert re.fullmatch(r"\d{20,40}", change.pop("SequenceNumber"))
    assert abs(change.pop("ApproximateCreationDateTime") - time.time()) < 60
    assert record == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"id": {"S": "1"}},
            "NewImage": {"id": {"S": "1"}, "v": {"N": "6"}},
            "OldImage": {"id": {"S": "1"}, "v": {"N": "5"}},
            "SizeBytes": 13,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": arn,
    }


def test_a_change_has_its_effect(emulator: RunningEmulator) -> None:
    dynamodb = emulator.client("dynamodb")
    item = {"id": {"S": "kept"}, "copy": {"BOOL": True}}
    dynamodb.put_item(TableName="orders", Item=item)
    emulator.settle()
    assert dynamodb.get_item(TableName="audit", Key={"id": {"S": "kept"}})["Item"] == item


def test_ten_thousand_writes_with_bad_batches(emulator: RunningEmulator) -> None:
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    before = len(all_invocations(emulator, "hear"))
    began = time.monotonic()
    for start in range(0, WRITES, 25):
        items = [
            {
                "id": {"S": str(n % 500)},
                "n": {"N": str(n)},
                **({"bad": {"BOOL": True}} if n % 2000 == 7 else {}),
            }
            for n in range(start, start + 25)
        ]
        dynamodb.batch_write_item(
            RequestItems={"orders": [{"PutRequest": {"Item": item}} for item in items]}
        )
    emulator.settle(60)
    sys.stdout.write(f"10,000 DynamoDB writes in {time.monotonic() - began:.1f} s\n")

    done = [
        record["dynamodb"]["NewImage"]
        for one in all_invocations(emulator, "hear")[before:]
        if one["status"] == "success"
        for record in one["event"]["Records"]
    ]
    numbers = [int(image["n"]["N"]) for image in done]
    bad = {n for n in range(WRITES) if n % 2000 == 7}
    assert numbers == [n for n in range(WRITES) if n not in bad]  # one shard: in order, once
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="failed")["Contents"]]
    told = [json.loads(s3.get_object(Bucket="failed", Key=key)["Body"].read()) for key in keys]
    images = [one["payload"]["Records"][0]["dynamodb"]["NewImage"] for one in told]
    assert {int(image["n"]["N"]) for image in images} == bad
    assert {one["requestContext"]["condition"] for one in told} == {"RetryAttemptsExhausted"}
    assert {one["DDBStreamBatchInfo"]["batchSize"] for one in told} == {1}
