"""Firehose: from PutRecordBatch through a function to objects, and to what they trigger."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

TRANSFORM = """
import base64
def handler(event, context):
    assert set(event) == {"invocationId", "deliveryStreamArn", "region", "records"}
    answers = []
    for record in event["records"]:
        assert set(record) == {"recordId", "approximateArrivalTimestamp", "data"}
        text = base64.b64decode(record["data"]).decode()
        if text == "crash":
            raise RuntimeError(text)
        result = {"drop": "Dropped", "fail": "ProcessingFailed"}.get(text, "Ok")
        data = base64.b64encode(text.upper().encode()).decode()
        answers.append({"recordId": record["recordId"], "result": result, "data": data})
    return {"records": answers}
"""
LANDED = """
def handler(event, context):
    return event["Records"][0]["s3"]["object"]["key"]
"""
TRIGGER = """
[[functions.landed.triggers]]
source = "s3"
bucket = "lake"
events = ["s3:ObjectCreated:*"]
prefix = "in/20"
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("transform", TRANSFORM)
    folder.add("landed", LANDED, TRIGGER)
    with running_emulator(folder.path) as emulator:
        yield emulator


def objects(emulator: RunningEmulator) -> dict[str, bytes]:
    s3 = emulator.client("s3")
    return {
        each["Key"]: s3.get_object(Bucket="lake", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="lake").get("Contents", [])
    }


def put(firehose: Any, *texts: str) -> None:
    records = [{"Data": text.encode()} for text in texts]
    firehose.put_record_batch(DeliveryStreamName="orders", Records=records)


def test_records_go_through_the_function_to_the_bucket_and_its_trigger(
    emulator: RunningEmulator,
) -> None:
    functions, firehose = emulator.client("lambda"), emulator.client("firehose")
    arn = functions.get_function(FunctionName="transform")["Configuration"]["FunctionArn"]
    parameters = [
        {"ParameterName": "LambdaArn", "ParameterValue": f"{arn}:$LATEST"},
        {"ParameterName": "NumberOfRetries", "ParameterValue": "1"},
    ]
    firehose.create_delivery_stream(
        DeliveryStreamName="orders",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/firehose",
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": "in/",
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "Lambda", "Parameters": parameters}],
            },
        },
    )
    put(firehose, "a", "drop", "fail", "b")
    emulator.settle()
    assert objects(emulator) == {}
    emulator.advance(61)
    emulator.settle()
    failed, good = sorted(objects(emulator).items(), reverse=True)
    assert (good[0][:5], good[1]) == ("in/20", b"AB")
    assert failed[0].startswith("in/processing-failed/20")
    assert json.loads(failed[1])["rawData"] == "ZmFpbA=="
    [landed] = emulator.invocations("landed")
    assert landed["status"] == "success"

    put(firehose, "crash")
    emulator.advance(61)
    emulator.settle()
    emulator.wait_for_output("firehose.not_transformed")
    [crashed] = [each for each in objects(emulator).values() if b"Y3Jhc2g=" in each]
    document = json.loads(crashed)
    assert (document["errorCode"], document["attemptsMade"]) == ("Lambda.FunctionError", 2)
    statuses = [each["status"] for each in emulator.invocations("transform")]
    assert statuses == ["error", "error", "success"]
