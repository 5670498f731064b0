"""Asynchronous invocation end to end: retries, dead letters, destinations, reservations, loops."""

import io
import json
import re
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import RUNTIME, ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
WORK = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no stock")
    return {"done": event["n"]}
"""
PATIENT = """
import boto3
sqs = boto3.client("sqs")
def handler(event, context):
    url = sqs.get_queue_url(QueueName="go")["QueueUrl"]
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
"""
AGAIN = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    s3.put_object(Bucket="loop", Key=str(int(event["Records"][0]["s3"]["object"]["key"]) + 1))
"""
CALLS_ITSELF = """
import json, boto3
functions = boto3.client("lambda")
def handler(event, context):
    try:
        answer = functions.invoke(FunctionName=context.function_name, Payload=json.dumps(event))
    except functions.exceptions.RecursiveInvocationException as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return json.load(answer["Payload"])
"""
ROUND = """
import boto3
sqs, sns = boto3.client("sqs"), boto3.client("sns")
def handler(event, context):
    [record] = event["Records"]
    if "Sns" in record:
        number = int(record["Sns"]["Message"]) + 1
        if number < 40:
            sns.publish(TopicArn=record["Sns"]["TopicArn"], Message=str(number))
    else:
        name = record["eventSourceARN"].rpartition(":")[2]
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="again")
"""
AGAIN_SETTINGS = """
timeout_s = 30
[[functions.again.triggers]]
source = "s3"
bucket = "loop"
events = ["s3:ObjectCreated:*"]
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), '[resources]\nqueues = ["q"]\n')
    folder.add("sink", "def handler(event, context): return event")
    folder.add("again", AGAIN, AGAIN_SETTINGS)
    folder.add("itself", CALLS_ITSELF, "timeout_s = 30\n")
    with running_emulator(folder.path) as emulator:
        clock(emulator, freeze=True)
        yield emulator


@pytest.fixture
def emulator(started: RunningEmulator) -> RunningEmulator:
    started.reset()
    return started


def clock(emulator: RunningEmulator, **change: object) -> None:
    body = json.dumps(change).encode()
    url = f"{emulator.endpoint}/_emulator/clock"
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST")):
        pass


def advance(emulator: RunningEmulator, *seconds: float) -> None:
    """Let pass what is due now, then move the clock step by step."""
    emulator.settle()
    for step in seconds:
        clock(emulator, advance=step)
        emulator.settle()


def deploy(emulator: RunningEmulator, source: str = WORK, **members: Any) -> Any:
    """Create the function `work`; return the client."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        zipped.writestr(entry, source)
    functions = emulator.client("lambda")
    functions.create_function(
        FunctionName="work",
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Timeout=30,
        Code={"ZipFile": archive.getvalue()},
        **members,
    )
    return functions


def send(functions: Any, event: Any, name: str = "work") -> str:
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def configure(functions: Any, success: str | None = None, failure: str | None = None) -> None:
    ends = {"OnSuccess": success, "OnFailure": failure}
    config = {end: {"Destination": arn} for end, arn in ends.items() if arn}
    functions.put_function_event_invoke_config(
        FunctionName="work", MaximumRetryAttempts=0, DestinationConfig=config
    )


def received(emulator: RunningEmulator, name: str = "q") -> list[dict[str, Any]]:
    sqs = emulator.client("sqs")
    answer = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def attempts(emulator: RunningEmulator, name: str = "work") -> int:
    return len(emulator.invocations(name))


def test_after_two_retries_on_the_moved_clock_comes_the_dead_letter(
    emulator: RunningEmulator,
) -> None:
    functions = deploy(emulator, DeadLetterConfig={"TargetArn": QUEUE})
    request_id = send(functions, {"fail": True})
    seen = []
    for seconds in (0, 59, 1, 119):
        advance(emulator, seconds)
        seen.append(attempts(emulator))
    assert seen == [1, 1, 2, 2]
    assert received(emulator) == []
    advance(emulator, 1)
    assert attempts(emulator) == 3
    assert {one["request_id"] for one in emulator.invocations("work")} == {request_id}
    [letter] = received(emulator)
    assert letter["Body"] == '{"fail": true}'
    assert letter["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no stock"},
    }
    advance(emulator, 3600)
    assert attempts(emulator) == 3


def test_a_dead_letter_topic_publishes_the_event(emulator: RunningEmulator) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    functions = deploy(emulator, DeadLetterConfig={"TargetArn": topic})
    configure(functions, failure=QUEUE)
    send(functions, {"fail": True})
    emulator.settle()
    bodies = [json.loads(message["Body"]) for message in received(emulator)]
    [letter] = [body for body in bodies if "Message" in body]
    [record] = [body for body in bodies if "requestContext" in body]  # both are served
    assert letter["Message"] == '{"fail": true}'
    assert letter["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}
    assert record["requestContext"]["condition"] == "RetriesExhausted"


def test_a_queue_gets_the_record_of_a_failure_as_in_aws(emulator: RunningEmulator) -> None:
    functions = deploy(emulator)
    configure(functions, failure=QUEUE)
    request_id = send(functions, {"fail": True, "n": [1, 2.5, "ä"]})
    emulator.settle()
    [message] = received(emulator)
    assert "MessageAttributes" not in message
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-")
    record = json.loads(message["Body"])
    assert list(record) == [
        *("version", "timestamp", "requestContext", "requestPayload"),
        *("responseContext", "responsePayload"),
    ]
    assert record["version"] == "1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
    assert list(record["requestContext"].items()) == [
        ("requestId", request_id),
        ("functionArn", f"{FUNCTION}:work:$LATEST"),
        ("condition", "RetriesExhausted"),
        ("approximateInvokeCount", 1),
    ]
    assert record["requestPayload"] == {"fail": True, "n": [1, 2.5, "ä"]}
    assert list(record["responseContext"].items()) == [
        ("statusCode", 200),
        ("executedVersion", "$LATEST"),
        ("functionError", "Unhandled"),
    ]
    assert record["responsePayload"]["errorMessage"] == "no stock"
    assert record["responsePayload"]["requestId"] == request_id


def test_a_topic_gets_the_record_of_a_success(emulator: RunningEmulator) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    functions = deploy(emulator)
    configure(functions, success=topic)
    send(functions, {"n": 7})
    send(functions, {"fail": True})
    emulator.settle()
    [message] = received(emulator)
    record = json.loads(json.loads(message["Body"])["Message"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"done": 7}


def test_a_function_gets_the_record_as_its_event(emulator: RunningEmulator) -> None:
    functions = deploy(emulator)
    configure(functions, success=f"{FUNCTION}:sink")
    request_id = send(functions, {"n": 7})
    emulator.settle()
    [invocation] = emulator.invocations("sink")
    assert (invocation["source"], invocation["cause"]) == ("destination", request_id)
    assert invocation["event"]["requestContext"]["requestId"] == request_id
    assert invocation["event"]["responsePayload"] == {"done": 7}


@pytest.mark.parametrize(("event", "outcome"), [({"n": 1}, "Success"), ({"fail": 1}, "Failure")])
def test_a_bus_gets_an_event_of_each_outcome(
    emulator: RunningEmulator, event: Any, outcome: str
) -> None:
    events = emulator.client("events")
    bus = events.create_event_bus(Name="results")["EventBusArn"]
    pattern = json.dumps({"source": ["lambda"]})
    events.put_rule(Name="all", EventBusName="results", EventPattern=pattern)
    events.put_targets(Rule="all", EventBusName="results", Targets=[{"Id": "1", "Arn": QUEUE}])
    functions = deploy(emulator)
    configure(functions, success=bus, failure=bus)
    send(functions, event)
    emulator.settle()
    [message] = received(emulator)
    found = json.loads(message["Body"])
    assert found["detail-type"] == f"Lambda Function Invocation Result - {outcome}"
    assert (found["source"], found["account"]) == ("lambda", ACCOUNT)
    assert found["resources"] == [bus, f"{FUNCTION}:work:$LATEST"]
    assert found["detail"]["requestPayload"] == event


def test_a_bucket_gets_the_record_of_a_failure(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="failures")
    functions = deploy(emulator)
    configure(functions, failure="arn:aws:s3:::failures")
    request_id = send(functions, {"fail": True})
    emulator.settle()
    [found] = s3.list_objects_v2(Bucket="failures")["Contents"]
    day = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d"
    assert re.fullmatch(rf"aws/lambda/async/work/{day}-[0-9a-f-]{{36}}", found["Key"])
    record = json.load(s3.get_object(Bucket="failures", Key=found["Key"])["Body"])
    assert record["requestContext"]["requestId"] == request_id


def test_a_version_has_its_own_policy_and_dead_letter_queue(emulator: RunningEmulator) -> None:
    functions = deploy(emulator, DeadLetterConfig={"TargetArn": QUEUE}, Publish=True)
    functions.update_function_configuration(FunctionName="work", DeadLetterConfig={"TargetArn": ""})
    functions.put_function_event_invoke_config(FunctionName="work:1", MaximumRetryAttempts=0)
    send(functions, {"fail": True}, "work:1")
    emulator.settle()
    assert len(received(emulator)) == 1
    configure(functions)
    send(functions, {"fail": True})
    emulator.settle()
    assert received(emulator) == []


def test_a_destination_that_is_gone_is_told_and_counted(emulator: RunningEmulator) -> None:
    sqs = emulator.client("sqs")
    functions = deploy(emulator)
    configure(functions, success=QUEUE)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"])
    request_id = send(functions, {"n": 1})
    emulator.settle()
    emulator.wait_for_output("destination.not_delivered")
    [line] = [line for line in emulator.output.splitlines() if "destination.not_delivered" in line]
    assert "function=work" in line
    assert request_id in line or request_id[:4] in line
    assert f"target={QUEUE}" in line


@pytest.mark.parametrize(("max_age_s", "runs"), [(60, 1), (90, 2)])
def test_the_age_of_an_event_ends_its_retries(
    emulator: RunningEmulator, max_age_s: int, runs: int
) -> None:
    functions = deploy(emulator)
    functions.put_function_event_invoke_config(
        FunctionName="work",
        MaximumEventAgeInSeconds=max_age_s,
        DestinationConfig={"OnFailure": {"Destination": QUEUE}},
    )
    send(functions, {"fail": True})
    advance(emulator, 60, 120)
    assert attempts(emulator) == runs
    [message] = received(emulator)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == runs
    assert record["responsePayload"]["errorMessage"] == "no stock"


def test_a_reservation_throttles_callers_and_makes_events_wait(emulator: RunningEmulator) -> None:
    go = emulator.client("sqs").create_queue(QueueName="go")["QueueUrl"]
    functions = deploy(emulator, PATIENT)
    functions.put_function_concurrency(FunctionName="work", ReservedConcurrentExecutions=1)
    send(functions, {})
    send(functions, {})
    emulator.wait_for_output("reason=TooManyRequestsException")
    with pytest.raises(functions.exceptions.TooManyRequestsException) as caught:
        functions.invoke(FunctionName="work")
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    for _ in range(2):
        emulator.client("sqs").send_message(QueueUrl=go, MessageBody="go")
    emulator.settle()
    assert attempts(emulator) == 1
    advance(emulator, 1)
    assert [one["attempt"] for one in emulator.invocations("work")] == [1, 1]


def test_with_nothing_reserved_events_end_at_once(emulator: RunningEmulator) -> None:
    functions = deploy(emulator, DeadLetterConfig={"TargetArn": QUEUE})
    configure(functions, failure=f"{FUNCTION}:sink")
    functions.put_function_concurrency(FunctionName="work", ReservedConcurrentExecutions=0)
    send(functions, {"n": 1})
    emulator.settle()
    assert attempts(emulator) == 0
    [invocation] = emulator.invocations("sink")
    record = invocation["event"]
    assert list(record) == ["version", "timestamp", "requestContext", "requestPayload"]
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    [letter] = received(emulator)
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    functions.delete_function_concurrency(FunctionName="work")
    send(functions, {"n": 1})
    emulator.settle()
    assert attempts(emulator) == 1


def test_a_loop_through_a_bucket_ends_after_sixteen_invocations(emulator: RunningEmulator) -> None:
    functions, s3 = emulator.client("lambda"), emulator.client("s3")
    functions.put_function_event_invoke_config(
        FunctionName="again", DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    s3.put_object(Bucket="loop", Key="0")
    emulator.settle()
    assert attempts(emulator, "again") == 16
    [message] = received(emulator)
    record = json.loads(message["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "16"
    s3.put_object(Bucket="loop", Key="100")  # another cause, another chain
    emulator.settle()
    assert attempts(emulator, "again") == 32


def test_a_loop_through_a_queue_ends_in_its_dead_letter_queue(emulator: RunningEmulator) -> None:
    sqs = emulator.client("sqs")
    redrive = json.dumps({"deadLetterTargetArn": QUEUE, "maxReceiveCount": 1})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "30"}
    url = sqs.create_queue(QueueName="round", Attributes=attributes)["QueueUrl"]
    functions = deploy(emulator, ROUND)
    functions.create_event_source_mapping(
        FunctionName="work", EventSourceArn=QUEUE.replace(":q", ":round")
    )
    sqs.send_message(QueueUrl=url, MessageBody="once")
    advance(emulator, 31)
    assert attempts(emulator) == 16
    [letter] = received(emulator)
    assert letter["Body"] == "again"


def test_a_loop_through_a_topic_ends_unless_it_is_allowed(emulator: RunningEmulator) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="round")["TopicArn"]
    functions = deploy(emulator, ROUND)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{FUNCTION}:work")
    sns.publish(TopicArn=topic, Message="0")
    emulator.settle()
    assert attempts(emulator) == 16
    functions.put_function_recursion_config(FunctionName="work", RecursiveLoop="Allow")
    sns.publish(TopicArn=topic, Message="0")
    emulator.settle()
    assert attempts(emulator) == 16 + 40


def test_a_function_that_calls_itself_is_refused_the_seventeenth_time(
    emulator: RunningEmulator,
) -> None:
    functions = emulator.client("lambda")
    answer = functions.invoke(FunctionName="itself", Payload=b"{}")
    assert json.load(answer["Payload"]) == 400
    assert attempts(emulator, "itself") == 16
