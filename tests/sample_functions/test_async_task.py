import json

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
