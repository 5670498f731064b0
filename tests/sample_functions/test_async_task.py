import json
import urllib.request

from tests.running_emulator import REPOSITORY, RunningEmulator


def test_a_task_tells_its_end_through_a_queue_and_a_table(emulator: RunningEmulator) -> None:
    sqs, dynamodb = emulator.client("sqs"), emulator.client("dynamodb")
    queue_url = sqs.create_queue(QueueName="finished-tasks")["QueueUrl"]
    dynamodb.create_table(
        TableName="tasks",
        KeySchema=[{"AttributeName": "task", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "task", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    answer = emulator.client("lambda").invoke(
        FunctionName="async_task",
        InvocationType="Event",
        Payload=(REPOSITORY / "events/async-task.json").read_bytes(),
    )
    [message] = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=20)["Messages"]

    assert answer["StatusCode"] == 202
    assert json.loads(message["Body"]) == {"task": "sum-1", "total": 10}
    item = dynamodb.get_item(TableName="tasks", Key={"task": {"S": "sum-1"}})["Item"]
    assert item == {"task": {"S": "sum-1"}, "status": {"S": "done"}, "total": {"N": "10"}}


def test_a_task_that_fails_twice_is_found_in_the_queue_for_failures(
    emulator: RunningEmulator,
) -> None:
    sqs, functions = emulator.client("sqs"), emulator.client("lambda")
    queue_url = sqs.create_queue(QueueName="failed-tasks")["QueueUrl"]
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:failed-tasks"
    functions.put_function_event_invoke_config(
        FunctionName="async_task",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    functions.invoke(FunctionName="async_task", InvocationType="Event", Payload='{"task":"sum-2"}')
    emulator.settle()
    clock = f"{emulator.endpoint}/_emulator/clock"
    with urllib.request.urlopen(clock, b'{"advance": 60}'):
        emulator.settle()
    [message] = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestPayload"] == {"task": "sum-2"}
    assert record["responsePayload"]["errorType"] == "KeyError"
    assert record["responsePayload"]["errorMessage"] == "'numbers'"
    emulator.wait_for_output("event.given_up")  # the traceback stands above it
