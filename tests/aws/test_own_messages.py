"""Messages that the emulator itself sends to queues and topics."""

import json
from typing import Any

import pytest

from emulator.model import AwsError
from tests.aws.conftest import Aws, Client

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def received(client: Client) -> list[Any]:
    answer = client("sqs").receive_message(
        QueueUrl=client("sqs").get_queue_url(QueueName="q")["QueueUrl"], MaxNumberOfMessages=10
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_messages_reach_queues_and_topics(aws: Aws, client: Client) -> None:
    client("sqs").create_queue(QueueName="q")
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    aws.moto.queues.send(QUEUE, '"direct"')
    aws.moto.topics.publish(topic, "by topic", "subject")
    bodies = received(client)
    assert bodies[0] == "direct"
    assert (bodies[1]["Message"], bodies[1]["Subject"]) == ("by topic", "subject")


def test_a_missing_queue_or_topic_says_so(aws: Aws) -> None:
    with pytest.raises(AwsError, match="NonExistentQueue"):
        aws.moto.queues.send(QUEUE, "x")
    with pytest.raises(AwsError, match="NotFound"):
        aws.moto.topics.publish("arn:aws:sns:us-east-1:000000000000:t", "x")
