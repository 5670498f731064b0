"""SQS: long polls that wake, and time that stays short with many messages."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Aws, Client

SOON_S = 3.0  # far below the 20 s a poll may last


@pytest.fixture
def sqs(client: Client) -> Any:
    return client("sqs")


def poll(sqs: Any, queue: str, wait_s: int = 20) -> tuple[list[str], float]:
    """Bodies of one receive, and how long it took."""
    started = time.monotonic()
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait_s, MaxNumberOfMessages=10)
    bodies = [message["Body"] for message in answer.get("Messages", [])]
    return bodies, time.monotonic() - started


def while_polling(sqs: Any, queue: str, action: Any) -> tuple[list[str], float]:
    """Start a long poll, run `action` when it sleeps, and return what the poll got."""
    from moto.sqs.models import sqs_backends

    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll, sqs, queue)
        condition = sqs_backends["000000000000"]["us-east-1"].queues["q"]._messages_lock
        deadline = time.monotonic() + 5
        while not _has_waiter(condition) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        action()
        return polling.result(30)


def _has_waiter(condition: Any) -> bool:
    with condition:
        return bool(condition._waiters)


@pytest.fixture
def queue(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName="q")["QueueUrl"]
    return url


def test_a_message_wakes_a_long_poll(sqs: Any, queue: str) -> None:
    bodies, took_s = while_polling(
        sqs, queue, lambda: sqs.send_message(QueueUrl=queue, MessageBody="hello")
    )
    assert bodies == ["hello"]
    assert took_s < SOON_S


def test_sns_wakes_a_long_poll(sqs: Any, queue: str, client: Client) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    bodies, took_s = while_polling(sqs, queue, lambda: sns.publish(TopicArn=topic, Message="hello"))
    assert bodies == ["hello"]
    assert took_s < SOON_S


def test_a_delayed_message_ends_the_poll_when_it_is_due(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    bodies, took_s = poll(sqs, queue)
    assert bodies == ["later"]
    assert 0.5 < took_s < SOON_S


def test_a_message_given_back_ends_the_poll(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    bodies, took_s = while_polling(
        sqs,
        queue,
        lambda: sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0
        ),
    )
    assert bodies == ["again"]
    assert took_s < SOON_S


def test_moving_the_clock_ends_the_poll(aws: Aws, sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=600)
    bodies, took_s = while_polling(sqs, queue, lambda: aws.clock.advance(601))
    assert bodies == ["later"]
    assert took_s < SOON_S


def test_nothing_to_receive_takes_the_time_asked_for(sqs: Any, queue: str) -> None:
    bodies, took_s = poll(sqs, queue, wait_s=1)
    assert bodies == []
    assert 0.9 < took_s < SOON_S


def test_a_long_poll_keeps_nobody_waiting(sqs: Any, queue: str, client: Client) -> None:
    other = client("sqs")
    took = []

    def create_another() -> None:
        started = time.monotonic()
        other.create_queue(QueueName="other")
        took.append(time.monotonic() - started)
        sqs.send_message(QueueUrl=queue, MessageBody="enough")

    while_polling(sqs, queue, create_another)
    assert took[0] < 1


def test_a_queue_that_goes_away_ends_the_poll(aws: Aws, sqs: Any, queue: str) -> None:
    with pytest.raises(ClientError, match="NonExistentQueue"):
        while_polling(sqs, queue, aws.moto.reset)


def test_a_thousand_messages_are_no_burden(sqs: Any, queue: str) -> None:
    from moto.sqs.models import sqs_backends

    backend = sqs_backends["000000000000"]["us-east-1"]
    for number in range(1000):
        backend.send_message("q", str(number))
    started = time.monotonic()
    for _ in range(10):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert time.monotonic() - started < 1.5  # 15 s with moto's own counting


def test_counts_stay_right(sqs: Any, queue: str) -> None:
    for delay in (0, 0, 600):
        sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay)
    sqs.receive_message(QueueUrl=queue)
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    prefix = "ApproximateNumberOfMessages"
    counts = [found[prefix + kind] for kind in ("", "NotVisible", "Delayed")]
    assert counts == ["1", "1", "1"]


def test_an_expired_message_is_not_received(aws: Aws, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="brief", Attributes={"MessageRetentionPeriod": "60"})
    sqs.send_message(QueueUrl=url["QueueUrl"], MessageBody="x")
    aws.clock.advance(61)
    assert poll(sqs, url["QueueUrl"], wait_s=0)[0] == []


def test_deleting_twice_is_fine(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert poll(sqs, queue, wait_s=0)[0] == []
