"""Samples of batches of SQS messages."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import QueueMessage
from emulator.event_sources.samples import constants
from emulator.event_sources.sqs_batch import record

_IDS: Final = uuid.UUID("19dd0b57-b21e-4ac1-bd88-01bbb068cb78")


def message(
    *,
    queue: str = "orders",
    body: str = "Hello from SQS!",
    count: int = 1,
    group: str = "",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """Messages of a queue with the same body; a group makes them those of a FIFO queue."""
    queue_arn = f"arn:aws:sqs:{region}:{account}:{queue}"
    return {
        "Records": [record(_message(body, number, group), queue_arn) for number in range(count)]
    }


def _message(body: str, number: int, group: str) -> QueueMessage:
    digest = hashlib.sha256(body.encode()).hexdigest()
    fifo = {
        "SequenceNumber": str(18_850_000_000_000_000_000 + 256 * number),
        "MessageGroupId": group,
        "MessageDeduplicationId": digest,
    }
    return QueueMessage(
        id=str(uuid.uuid5(_IDS, str(number))),
        receipt_handle="AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        body=body,
        body_md5=hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        attributes={
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(int(constants.AT_S * 1000)),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(int(constants.AT_S * 1000) + 1),
            **(fifo if group else {}),
        },
        message_attributes={},
        attributes_md5=None,
    )


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"message": message}
