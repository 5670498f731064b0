"""Many threads at once lose nothing and repeat nothing."""

import threading
import time
from collections.abc import Callable

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws.conftest import Aws, Client


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(0)` … `work(count - 1)` at once; return what they raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001  # the test reports whatever it was
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_kinesis_loses_no_record_and_repeats_no_sequence_number(client: Client) -> None:
    kinesis = client("kinesis", config=Config(max_pool_connections=8))
    kinesis.create_stream(StreamName="it", ShardCount=1)
    numbers: list[str] = []

    def put(number: int) -> None:
        for _ in range(25):
            answer = kinesis.put_record(StreamName="it", Data=b"x", PartitionKey="p")
            numbers.append(answer["SequenceNumber"])

    assert in_threads(8, put) == []
    assert len(set(numbers)) == 200


def test_dynamodb_counts_exactly_while_transactions_fail(client: Client) -> None:
    dynamodb = client("dynamodb", config=Config(max_pool_connections=8))
    dynamodb.create_table(
        TableName="it",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    increment = {
        "TableName": "it",
        "Key": {"id": {"S": "counter"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    impossible = {
        "ConditionCheck": {
            "TableName": "it",
            "Key": {"id": {"S": "nobody"}},
            "ConditionExpression": "attribute_exists(id)",
        }
    }

    def work(number: int) -> None:
        for _ in range(20):
            if number % 2:
                dynamodb.update_item(**increment)
            else:
                with pytest.raises(ClientError, match="TransactionCanceled"):
                    dynamodb.transact_write_items(TransactItems=[{"Update": increment}, impossible])

    assert in_threads(8, work) == []
    item = dynamodb.get_item(TableName="it", Key={"id": {"S": "counter"}})["Item"]
    assert item["n"] == {"N": "80"}


def test_a_queue_delivers_each_message_once_to_competing_readers(client: Client) -> None:
    sqs = client("sqs", config=Config(max_pool_connections=8))
    queue = sqs.create_queue(QueueName="it")["QueueUrl"]
    received: list[str] = []
    done = threading.Event()

    def work(number: int) -> None:
        if number < 4:
            for count in range(25):
                sqs.send_message(QueueUrl=queue, MessageBody=f"{number}-{count}")
            return
        while not done.is_set():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=5, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                received.append(message["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if len(received) >= 100:
                done.set()

    started = time.monotonic()
    assert in_threads(8, work) == []
    assert len(received) == len(set(received)) == 100
    assert time.monotonic() - started < 15


def test_s3_keeps_every_object_and_tells_of_each_once(aws: Aws, client: Client) -> None:
    s3 = client("s3", config=Config(max_pool_connections=8))
    s3.create_bucket(Bucket="bkt")

    def put(number: int) -> None:
        for count in range(20):
            s3.put_object(Bucket="bkt", Key=f"{number}-{count}", Body=b"x")

    assert in_threads(8, put) == []
    assert s3.list_objects_v2(Bucket="bkt")["KeyCount"] == 160
    assert len(aws.facts) == 160


def test_many_services_load_at_once(client: Client) -> None:
    services = ("kms", "firehose", "cognito-identity", "cloudwatch", "route53", "ecr")
    clients = [client(service) for service in services]
    calls = (
        "list_keys",
        "list_delivery_streams",
        None,
        "list_metrics",
        "list_hosted_zones",
        "describe_repositories",
    )

    def call(number: int) -> None:
        name = calls[number]
        if name is None:
            clients[number].list_identity_pools(MaxResults=1)
        else:
            getattr(clients[number], name)()

    assert in_threads(6, call) == []
