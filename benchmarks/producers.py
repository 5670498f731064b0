"""Requests that put something into a queue, a topic, a stream, a table, a bus or a log."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.client import request

LOG_STREAM: Final = "bench"

_ACCOUNT: Final = "000000000000"
_JSON: Final = "application/x-amz-json-1.1"


def queue_url(name: str) -> str:
    """Address of a queue."""
    return f"http://127.0.0.1:4566/{_ACCOUNT}/{name}"


def arn(service: str, resource: str) -> str:
    """ARN of a resource of the default account."""
    return f"arn:aws:{service}:us-east-1:{_ACCOUNT}:{resource}"


def call(service: str, target: str, members: Mapping[str, Any]) -> bytes:
    """A request of a JSON protocol."""
    headers = {"X-Amz-Target": target, "Content-Type": _JSON}
    return request("POST", "/", json.dumps(members).encode(), service=service, headers=headers)


def sqs(name: str, identity: str) -> bytes:
    """One message."""
    members = {"QueueUrl": queue_url(name), "MessageBody": identity}
    return call("sqs", "AmazonSQS.SendMessage", members)


def sns(name: str, identity: str) -> bytes:
    """One message to a topic."""
    form = {
        "Action": "Publish",
        "Version": "2010-03-31",
        "TopicArn": arn("sns", name),
        "Message": identity,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return request("POST", "/", urlencode(form).encode(), service="sns", headers=headers)


def kinesis(name: str, identity: str) -> bytes:
    """One record."""
    data = base64.b64encode(identity.encode()).decode()
    members = {"StreamName": name, "PartitionKey": identity, "Data": data}
    return call("kinesis", "Kinesis_20131202.PutRecord", members)


def dynamodb(name: str, identity: str) -> bytes:
    """One item."""
    members = {"TableName": name, "Item": {"id": {"S": identity}}}
    return call("dynamodb", "DynamoDB_20120810.PutItem", members)


def events(name: str, identity: str) -> bytes:
    """One event for the default bus."""
    entry = {"Source": name, "DetailType": "bench", "Detail": json.dumps({"id": identity})}
    return call("events", "AWSEvents.PutEvents", {"Entries": [entry]})


def logs(name: str, identity: str) -> bytes:
    """One line of a log stream."""
    line = {"timestamp": int(time.time() * 1000), "message": identity}
    members = {"logGroupName": name, "logStreamName": LOG_STREAM, "logEvents": [line]}
    return call("logs", "Logs_20140328.PutLogEvents", members)


def s3(name: str, identity: str) -> bytes:
    """One object."""
    return request("PUT", f"/{name}/{identity}", b"x", service="s3")


PRODUCERS: Final[Mapping[str, Callable[[str, str], bytes]]] = {
    "S3": s3,
    "SNS": sns,
    "SQS": sqs,
    "Kinesis": kinesis,
    "DynamoDB": dynamodb,
    "EventBridge": events,
    "Logs": logs,
}


def many_messages(name: str, identities: Sequence[str]) -> Iterator[bytes]:
    """Batches of messages."""
    for part in _parts(identities, 10):
        entries = [{"Id": str(n), "MessageBody": each} for n, each in enumerate(part)]
        members = {"QueueUrl": queue_url(name), "Entries": entries}
        yield call("sqs", "AmazonSQS.SendMessageBatch", members)


def many_records(name: str, identities: Sequence[str]) -> Iterator[bytes]:
    """Batches of records."""
    for part in _parts(identities, 250):
        records = [
            {"PartitionKey": each, "Data": base64.b64encode(each.encode()).decode()}
            for each in part
        ]
        members = {"StreamName": name, "Records": records}
        yield call("kinesis", "Kinesis_20131202.PutRecords", members)


def many_items(name: str, identities: Sequence[str]) -> Iterator[bytes]:
    """Batches of items."""
    for part in _parts(identities, 25):
        puts = [{"PutRequest": {"Item": {"id": {"S": each}}}} for each in part]
        members = {"RequestItems": {name: puts}}
        yield call("dynamodb", "DynamoDB_20120810.BatchWriteItem", members)


def _parts(identities: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(identities), size):
        yield identities[start : start + size]
