"""What a project lists is there, as it wants it."""

import json
from dataclasses import replace

from emulator.model.resources import QueueResource, Resource
from tests.aws.conftest import Aws, Client


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
