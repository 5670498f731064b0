"""CloudWatch Logs: from a line that one function prints to another function that gets it."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

PRINTING = """
def handler(event, context):
    print(event)
    return context.log_stream_name
"""
ALARMING = """
import base64, gzip, json, boto3
s3 = boto3.client("s3")
def handler(event, context):
    document = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if document["messageType"] == "CONTROL_MESSAGE":
        return
    for line in document["logEvents"]:
        if "broken" in line["message"]:
            raise RuntimeError(line["message"])
        s3.put_object(Bucket="alarms", Key=line["message"])
"""
SETTINGS = """
[[functions.alarming.triggers]]
source = "logs"
log_group = "/aws/lambda/printing"
pattern = "ERROR"
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["alarms"]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("printing", PRINTING)
    folder.add("apart", PRINTING, 'log_group = "custom"')
    folder.add("alarming", ALARMING, SETTINGS)
    with running_emulator(folder.path) as emulator:
        yield emulator


def alarms(emulator: RunningEmulator) -> list[str]:
    objects = emulator.client("s3").list_objects_v2(Bucket="alarms").get("Contents", [])
    return [each["Key"] for each in objects]


def documents(emulator: RunningEmulator) -> list[dict[str, Any]]:
    """Decode the events of lines, oldest first."""
    events = [each["event"]["awslogs"]["data"] for each in emulator.invocations("alarming")]
    found = [json.loads(gzip.decompress(base64.b64decode(event))) for event in events[::-1]]
    return [each for each in found if each["messageType"] == "DATA_MESSAGE"]


def test_what_a_function_prints_reaches_the_function_that_subscribes(
    emulator: RunningEmulator,
) -> None:
    functions = emulator.client("lambda")
    stream = invoke(functions, "printing", "ERROR 17").result
    invoke(functions, "printing", "all is well")
    emulator.settle()
    assert alarms(emulator) == ["ERROR 17"]
    [document] = documents(emulator)
    [line] = document.pop("logEvents")
    assert document.pop("subscriptionFilters")[0].startswith("alarming-")
    assert document == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "/aws/lambda/printing",
        "logStream": stream,
    }
    assert sorted(line) == ["id", "message", "timestamp"]
    assert len(line["id"]) == 56
    found = emulator.client("logs").filter_log_events(
        logGroupName="/aws/lambda/printing", filterPattern="ERROR"
    )["events"]
    assert [each["eventId"] for each in found] == [line["id"]]


def test_a_failing_function_is_tried_again_and_the_writer_does_not_notice(
    emulator: RunningEmulator,
) -> None:
    emulator.reset()
    invoke(emulator.client("lambda"), "printing", "ERROR broken")
    emulator.settle()
    failed = [each for each in emulator.invocations("alarming") if each["status"] == "error"]
    assert len(failed) == 3
    [record] = emulator.invocations("printing")
    assert record["status"] == "success"


def test_a_functions_own_log_whatever_its_name_is_refused(emulator: RunningEmulator) -> None:
    emulator.reset()
    logs, functions = emulator.client("logs"), emulator.client("lambda")
    arn = functions.get_function(FunctionName="apart")["Configuration"]["FunctionArn"]
    logs.create_log_group(logGroupName="custom")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="is reserved for"):
        logs.put_subscription_filter(
            logGroupName="custom", filterName="f", filterPattern="", destinationArn=arn
        )


def test_lines_put_by_api_reach_it_too(emulator: RunningEmulator) -> None:
    emulator.reset()
    logs, functions = emulator.client("logs"), emulator.client("lambda")
    arn = functions.get_function(FunctionName="alarming")["Configuration"]["FunctionArn"]
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="s")
    pattern = '{ $.level = "ERROR" && $.code >= 500 }'
    logs.put_subscription_filter(
        logGroupName="app", filterName="f", filterPattern=pattern, destinationArn=arn
    )
    now_ms = int(emulator.request("GET", "/_emulator/clock")["now"] * 1000)
    messages = [json.dumps({"level": "ERROR", "code": code}) for code in (404, 503)]
    logs.put_log_events(
        logGroupName="app",
        logStreamName="s",
        logEvents=[{"timestamp": now_ms, "message": message} for message in messages],
    )
    emulator.settle()
    assert alarms(emulator) == [messages[1]]
