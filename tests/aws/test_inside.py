"""The emulator's own way into moto: objects, queues, topics, events, log lines."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from emulator.aws import AwsError, Fact, ObjectFact
from emulator.model.resources import QueueResource, Resource
from tests.aws.conftest import Aws, Client

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def received(client: Client) -> list[Any]:
    answer = client("sqs").receive_message(
        QueueUrl=client("sqs").get_queue_url(QueueName="q")["QueueUrl"], MaxNumberOfMessages=10
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_an_object_is_fetched_in_any_version(aws: Aws, client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="bkt", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="bkt", Key="k", Body=b"2")
    place = ("000000000000", "us-east-1", "bkt", "k")
    assert aws.moto.fetch_object(*place) == b"2"
    assert aws.moto.fetch_object(*place, first) == b"1"


@pytest.mark.parametrize(
    ("bucket", "version", "code"),
    [("missing", None, "NoSuchBucket"), ("bkt", None, "NoSuchKey"), ("bkt", "x", "NoSuchVersion")],
)
def test_an_object_that_is_not_there_says_why(
    aws: Aws, client: Client, bucket: str, version: str | None, code: str
) -> None:
    client("s3").create_bucket(Bucket="bkt")
    with pytest.raises(AwsError) as error:
        aws.moto.fetch_object("000000000000", "us-east-1", bucket, "k", version)
    assert error.value.code == code


def test_what_we_do_ourselves_is_told_when_no_lock_is_held(aws: Aws, client: Client) -> None:
    client("s3").create_bucket(Bucket="bkt")
    place = ("000000000000", "us-east-1", "bkt", "k")
    contents: list[bytes] = []

    def listen(fact: Fact) -> None:
        if isinstance(fact, ObjectFact) and fact.key == "k":
            with ThreadPoolExecutor(1) as other_thread:  # this one may enter its own locks
                found = other_thread.submit(aws.moto.fetch_object, *place)
                contents.append(found.result(5))

    aws.moto.subscribe(listen, ObjectFact)
    aws.moto.put_object(*place, b"{}", content_type="application/json")
    assert contents == [b"{}"]


def test_buckets_are_made_once(aws: Aws, client: Client) -> None:
    for _ in range(2):
        aws.moto.ensure([Resource(kind="bucket", name=name) for name in ("photos", "thumbnails")])
    names = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert sorted(names) == ["photos", "thumbnails"]


def test_a_queue_is_made_with_its_dead_letter_queue(aws: Aws, client: Client) -> None:
    orders = QueueResource(
        name="orders.fifo",
        visibility_timeout_s=90,
        dead_letter_queue="dead.fifo",
        max_receives=2,
    )
    sqs = client("sqs")

    def made(resource: QueueResource) -> dict[str, str]:
        aws.moto.ensure([resource])
        url = sqs.get_queue_url(QueueName="orders.fifo")["QueueUrl"]
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
        return found

    first = made(orders)
    assert (first["FifoQueue"], first["VisibilityTimeout"]) == ("true", "90")
    assert json.loads(first["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead.fifo",
        "maxReceiveCount": 2,
    }
    assert len(sqs.list_queues()["QueueUrls"]) == 2

    other = QueueResource(name="orders.fifo", visibility_timeout_s=7)
    assert made(other)["VisibilityTimeout"] == "90"
    changed = made(replace(other, is_declared=True))
    assert changed["VisibilityTimeout"] == "7"
    assert "RedrivePolicy" not in changed


def test_messages_reach_queues_and_topics(aws: Aws, client: Client) -> None:
    client("sqs").create_queue(QueueName="q")
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    aws.moto.send_message(QUEUE, '"direct"')
    aws.moto.publish(topic, "by topic", "subject")
    bodies = received(client)
    assert bodies[0] == "direct"
    assert (bodies[1]["Message"], bodies[1]["Subject"]) == ("by topic", "subject")


def test_a_missing_queue_or_topic_says_so(aws: Aws) -> None:
    with pytest.raises(AwsError, match="NonExistentQueue"):
        aws.moto.send_message(QUEUE, "x")
    with pytest.raises(AwsError, match="NotFound"):
        aws.moto.publish("arn:aws:sns:us-east-1:000000000000:t", "x")


def test_function_logs_appear_in_cloudwatch_logs(aws: Aws, client: Client) -> None:
    group, stream_name = "/aws/lambda/hello", "2026/11/22/[$LATEST]abc"
    stream = aws.log_book.log_stream(group, stream_name, "000000000000", "us-east-1")
    now_ms = int(aws.clock.now() * 1000)
    stream.write("START", now_ms)
    stream.write("hello", now_ms + 5)
    logs = client("logs")
    assert logs.describe_log_groups()["logGroups"][0]["logGroupName"] == group
    stream.write("END", now_ms + 9)
    page = logs.get_log_events(logGroupName=group, logStreamName=stream_name, startFromHead=True)
    assert [event["message"] for event in page["events"]] == ["START", "hello", "END"]
    assert [event["timestamp"] - now_ms for event in page["events"]] == [0, 5, 9]
    found = logs.filter_log_events(logGroupName=group, filterPattern="hello")["events"]
    assert [event["message"] for event in found] == ["hello"]
    [described] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert described["lastEventTimestamp"] == now_ms + 9
    assert described["storedBytes"] == 13


def test_logs_of_other_accounts_stay_there(aws: Aws, client: Client) -> None:
    aws.log_book.log_stream("/aws/lambda/x", "s", "111111111111", "eu-west-1").write("line")
    assert client("logs").describe_log_groups()["logGroups"] == []
    theirs = client("logs", key="111111111111", region="eu-west-1")
    assert len(theirs.describe_log_groups()["logGroups"]) == 1
