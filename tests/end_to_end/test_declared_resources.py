"""What `[resources]` lists is there for every service, whichever is asked first."""

import json
from collections.abc import Iterator

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ACCOUNT = "000000000000"
TOP = """
[resources]
buckets = ["uploads"]
queues = ["orders"]
topics = ["news"]
"""


@pytest.fixture(params=["after a start", "after a reset"])
def emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("unused", "def handler(event, context): ...")
    with running_emulator(folder.path) as started:
        if request.param == "after a reset":
            started.reset()
        yield started


def received(emulator: RunningEmulator) -> list[str]:
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_topic_finds_a_listed_queue_that_nobody_has_asked_for(emulator: RunningEmulator) -> None:
    sns, topic = emulator.client("sns"), f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="hello")
    emulator.settle()
    assert [json.loads(body)["Message"] for body in received(emulator)] == ["hello"]


def test_a_bucket_finds_a_listed_queue_and_topic(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")
    queue, topic = (f"arn:aws:{kind}:us-east-1:{ACCOUNT}:" for kind in ("sqs", "sns"))
    created = ["s3:ObjectCreated:*"]
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": f"{queue}orders", "Events": created}],
            "TopicConfigurations": [{"TopicArn": f"{topic}news", "Events": ["s3:ObjectRemoved:*"]}],
        },
    )
    s3.put_object(Bucket="uploads", Key="a.txt", Body=b"x")
    emulator.settle()
    keys = [
        record["s3"]["object"]["key"]
        for body in received(emulator)
        for record in json.loads(body).get("Records", [])
    ]
    assert keys == ["a.txt"]
