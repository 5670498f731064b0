"""SNS: messages signed with one key, and subscribers that may call back."""

import base64
import json
from typing import Any

import pytest

from emulator.gateway import serve
from tests.aws.conftest import Aws, Client


@pytest.fixture
def sns(client: Client) -> Any:
    return client("sns")


def subscribed_queue(client: Client, topic: str) -> str:
    queue: str = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q"
    )
    return queue


def test_a_message_is_signed_so_that_it_can_be_verified(sns: Any, client: Client) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    topic = sns.create_topic(Name="t")["TopicArn"]
    queue = subscribed_queue(client, topic)
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    received = client("sqs").receive_message(QueueUrl=queue)["Messages"][0]
    message = json.loads(received["Body"])
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{message[name]}\n" for name in names).encode()
    from emulator.aws.patches.sns import signing

    key = x509.load_pem_x509_certificate(signing()[1]).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(message["Signature"]), text, padding.PKCS1v15(), hashes.SHA1())
    assert message["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/Simple")


def test_a_subscriber_over_http_may_call_sns_before_it_answers(
    aws: Aws, sns: Any, client: Client
) -> None:
    topics: list[int] = []
    caller = client("sns")

    def subscriber(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        topics.append(len(caller.list_topics()["Topics"]))
        start_response("200 OK", [])
        return [b""]

    server = serve(subscriber, "127.0.0.1", 0)
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.port}/")
    sns.publish(TopicArn=topic, Message="hello")
    server.stop(1)
    assert topics == [1]


def test_a_subscriber_that_is_not_there_is_no_error_of_the_publisher(sns: Any) -> None:
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/")
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
