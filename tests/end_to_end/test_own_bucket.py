"""A function that writes to the bucket that invokes it."""

import time

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import running_emulator

DEPTH = 15  # the sixteenth invocation of a chain is the last one
CHAINS = 5
TOP = """
[resources]
buckets = ["loop"]
"""
TRIGGER = """
timeout_s = 20
[[functions.again.triggers]]
source = "s3"
bucket = "loop"
events = ["s3:ObjectCreated:*"]
"""
SOURCE = f"""
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    key = event["Records"][0]["s3"]["object"]["key"]
    chain, count = key.split("/")
    if int(count) < {DEPTH}:
        s3.put_object(Bucket="loop", Key=f"{{chain}}/{{int(count) + 1}}", Body=b"x")
    return key
"""


@pytest.mark.slow
def test_a_function_that_writes_to_its_own_bucket_hangs_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("again", SOURCE, TRIGGER)
    with running_emulator(folder.path) as emulator:
        s3 = emulator.client("s3")
        for chain in range(CHAINS):
            s3.put_object(Bucket="loop", Key=f"{chain}/0", Body=b"x")

        # S3 and everything else answers meanwhile.
        slowest_s = 0.0
        for _ in range(20):
            began = time.monotonic()
            s3.list_objects_v2(Bucket="loop")
            emulator.request("GET", "/_emulator/health")
            slowest_s = max(slowest_s, time.monotonic() - began)
        assert slowest_s < 2
        emulator.settle()

        expected = {f"{chain}/{count}" for chain in range(CHAINS) for count in range(DEPTH + 1)}
        records = emulator.request("GET", "/_emulator/invocations?function=again&limit=1000")
        assert sorted(record["response"] for record in records) == sorted(expected)
        assert {record["source"] for record in records} == {"s3"}
