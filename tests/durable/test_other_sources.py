"""Durable functions that events and other callers start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durable.conftest import Durable, sdk_layer
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import running_emulator

SOURCE = """
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

@durable_execution
def handler(event, context):
    if event != "at once":
        context.wait(Duration.from_seconds(300))
    if event == "fail":
        raise ValueError("as asked")
    return event
"""
SETTINGS = """
layers = ["sdk.zip"]
timeout_s = 60

[functions.orders.durable]
execution_timeout_s = 600

[[functions.orders.triggers]]
source = "s3"
bucket = "orders"
events = ["s3:ObjectCreated:*"]

[[functions.orders.triggers]]
source = "sqs"
queue = "orders"
"""
TOP = '[resources]\nbuckets = ["orders"]\nqueues = ["orders", "dead"]\n'


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Durable]:
    folder = ProjectFolder(tmp_path_factory.mktemp("orders"), TOP)
    sdk_layer(folder.path / "sdk.zip")
    folder.add("orders", SOURCE, SETTINGS)
    with running_emulator(folder.path, "--no-watch") as emulator:
        yield Durable(emulator)


def newest(orders: Durable) -> str:
    orders.emulator.settle()
    answer = orders.client.list_durable_executions_by_function(FunctionName="orders", MaxItems=1)
    return str(answer["DurableExecutions"][0]["DurableExecutionArn"])


def test_an_object_starts_an_execution(orders: Durable) -> None:
    orders.emulator.client("s3").put_object(Bucket="orders", Key="one", Body=b"1")
    arn = newest(orders)
    assert orders.get(arn)["Status"] == "RUNNING"
    orders.emulator.advance(300)
    assert orders.result(arn)["Records"][0]["s3"]["object"]["key"] == "one"


def test_a_message_is_done_when_its_execution_is(orders: Durable) -> None:
    sqs = orders.emulator.client("sqs")
    queue = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    arn = newest(orders)
    assert "WaitStarted" in orders.kinds(arn)
    orders.emulator.advance(300)
    assert orders.result(arn)["Records"][0]["body"] == "hello"
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    kinds = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    assert [counts[kind] for kind in kinds] == ["0", "0"]


def test_what_failed_asynchronously_goes_to_the_dead_letter_queue(orders: Durable) -> None:
    sqs = orders.emulator.client("sqs")
    dead = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    orders.client.update_function_configuration(
        FunctionName="orders",
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"},
    )
    orders.client.get_waiter("function_updated_v2").wait(FunctionName="orders")
    arn = orders.start("orders", "fail")
    assert orders.status(arn) == "RUNNING"
    orders.emulator.advance(300)
    assert orders.status(arn) == "FAILED"
    (letter,) = sqs.receive_message(
        QueueUrl=dead, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert letter["Body"] == '"fail"'
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    first, *_ = [e for e in orders.history(arn) if e["EventType"] == "InvocationCompleted"]
    assert attributes == {
        "RequestID": first["InvocationCompletedDetails"]["RequestId"],
        "ErrorCode": "200",
        "ErrorMessage": "as asked",
    }


def test_who_reads_along_gets_the_result_in_one_piece(orders: Durable) -> None:
    answer = orders.client.invoke_with_response_stream(
        FunctionName="orders", Qualifier="$LATEST", Payload=b'"at once"'
    )
    chunks = [e["PayloadChunk"]["Payload"] for e in answer["EventStream"] if "PayloadChunk" in e]
    assert b"".join(chunks) == b'"at once"'


def test_a_long_execution_is_not_waited_for(orders: Durable) -> None:
    orders.client.update_function_configuration(
        FunctionName="orders", DurableConfig={"ExecutionTimeout": 901}
    )
    orders.client.get_waiter("function_updated_v2").wait(FunctionName="orders")
    with pytest.raises(
        orders.client.exceptions.InvalidParameterValueException,
        match="executionTimeout greater than 15 minutes",
    ):
        orders.run("orders")
    arn = orders.start("orders", 1)
    config = {"ExecutionTimeout": 901, "RetentionPeriodInDays": 30}
    assert orders.get(arn)["DurableConfig"] == config


def test_only_a_new_function_can_become_durable(orders: Durable, tmp_path: Path) -> None:
    client = orders.client
    client.create_function(
        FunctionName="late",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": sdk_layer(tmp_path / "late.zip").read_bytes()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="late")
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.update_function_configuration(
            FunctionName="late", DurableConfig={"ExecutionTimeout": 60}
        )
    assert "DurableConfig" not in client.get_function_configuration(FunctionName="late")
