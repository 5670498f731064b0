"""IoT: from a published message through a rule to a function and its effect."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

WARN = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    if event["celsius"] > 90:
        raise RuntimeError("too hot")
    s3.put_object(Bucket="warnings", Key=" ".join(f"{k}={v}" for k, v in sorted(event.items())))
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["warnings"]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("warn", WARN)
    with running_emulator(folder.path) as emulator:
        yield emulator


def test_a_message_that_a_rule_wants_runs_the_function(emulator: RunningEmulator) -> None:
    functions, iot, data = (emulator.client(name) for name in ("lambda", "iot", "iot-data"))
    arn = functions.get_function(FunctionName="warn")["Configuration"]["FunctionArn"]
    rule_arn = "arn:aws:iot:us-east-1:000000000000:rule/hot"
    functions.add_permission(
        FunctionName="warn",
        StatementId="iot",
        Action="lambda:InvokeFunction",
        Principal="iot.amazonaws.com",
        SourceArn=rule_arn,
        SourceAccount="000000000000",
    )
    iot.create_topic_rule(
        ruleName="hot",
        topicRulePayload={
            "sql": "SELECT celsius, topic(2) AS room FROM 'rooms/+' WHERE celsius >= 30",
            "actions": [{"lambda": {"functionArn": arn}}],
        },
    )
    for room, celsius in (("kitchen", 31), ("hall", 20), ("sauna", 95)):
        data.publish(topic=f"rooms/{room}", payload=f'{{"celsius":{celsius}}}'.encode())
    emulator.settle()
    emulator.wait_for_output("event.given_up")
    found = emulator.client("s3").list_objects_v2(Bucket="warnings")["Contents"]
    assert [each["Key"] for each in found] == ["celsius=31 room=kitchen"]
    records = emulator.invocations("warn")
    assert sorted(each["status"] for each in records) == ["error", "error", "error", "success"]
    assert {each["source"] for each in records} == {"iot"}
