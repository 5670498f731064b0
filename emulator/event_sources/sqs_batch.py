"""Batches of SQS messages: their event, their size, and what a function's answer means for them.

Source: spec/events.md section 3, spec/event-source-mappings.md sections 3 and 4.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws import QueueMessage
from emulator.model import limits

_HEAD: Final = b'{"Records":['
_TAIL: Final = b"]}"
_RETRY_S: Final = (0.1, 5.0)  # after a refusal: the first delay, doubled up to the last
_DOUBLINGS: Final = 10
_MOST_BYTES: Final = limits.SYNC_REQUEST_BYTES - len(_HEAD) - len(_TAIL)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class QueuedRecord:
    """A message that was received for a mapping, as its function will see it."""

    message: QueueMessage
    text: bytes  # its element of `Records`
    hidden_until_s: float  # on Clock.monotonic; afterwards it is received again


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """What one invocation gets."""

    records: Sequence[QueuedRecord]
    refusals: int = 0  # so often nobody had room to run it

    @property
    def payload(self) -> bytes:
        """The event."""
        return _HEAD + b",".join(each.text for each in self.records) + _TAIL

    @property
    def ids(self) -> list[str]:
        """messageId of each record."""
        return [each.message.id for each in self.records]

    @property
    def handles(self) -> list[str]:
        """receiptHandle of each record."""
        return [each.message.receipt_handle for each in self.records]

    @property
    def retry_s(self) -> float:
        """After a further refusal it is tried again in so many seconds."""
        first_s, last_s = _RETRY_S
        return min(first_s * 2.0 ** min(self.refusals, _DOUBLINGS), last_s)


def record(message: QueueMessage, queue_arn: str) -> dict[str, Any]:
    """One element of `Records`."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": dict(message.attributes),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.message_attributes.items()
        },
        "md5OfMessageAttributes": message.attributes_md5,
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: Any) -> dict[str, Any]:
    kind = "stringValue" if "StringValue" in value else "binaryValue"
    return {
        kind: value.get("StringValue", value.get("BinaryValue")),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def encoded(document: dict[str, Any]) -> bytes:
    """A record as it stands in the event."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


class Gathering:
    """Records that wait for their batch to be complete: full, or too large with the next one."""

    def __init__(self) -> None:
        self._records: list[QueuedRecord] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: QueuedRecord, most: int) -> list[Batch]:
        """Take one record more; returns the batches that are complete by it."""
        complete = []
        if self._records and self._size + len(record.text) > _MOST_BYTES:
            complete.append(self.take())
        self._records.append(record)
        self._size += len(record.text) + 1  # and a comma
        if len(self._records) >= most:
            complete.append(self.take())
        return complete

    def take(self) -> Batch:
        """What there is, complete or not; the next record begins another batch."""
        batch = Batch(records=self._records)
        self._records, self._size = [], 0
        return batch


def failed_ids(payload: bytes, ids: Collection[str]) -> set[str]:
    """Which of `ids` a function reports as failed, with ReportBatchItemFailures.

    What cannot be understood, and an id that was not in the batch, fail all of them.
    """
    try:
        response = json.loads(payload)
    except ValueError:
        return set(ids)
    if response is None or response == "":
        return set()
    if not isinstance(response, dict):
        return set(ids)
    failures = response.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return set(ids)
    named = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in failures]
    known = {name for name in named if isinstance(name, str) and name in ids}
    return known if all(name in known for name in named) else set(ids)
