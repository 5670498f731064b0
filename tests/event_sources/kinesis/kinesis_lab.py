"""A stream of Kinesis, as a producer and an operator see it."""

import base64
from typing import Any

from tests.event_sources.stream_lab import StreamLab

SHARD = "shardId-000000000000"


def put(kinesis: Any, *data: str, key: str = "k") -> list[str]:
    """Put records in one request; return their sequence numbers."""
    entries = [{"Data": one.encode(), "PartitionKey": key} for one in data]
    answer = kinesis.put_records(StreamName="s", Records=entries)
    return [record["SequenceNumber"] for record in answer["Records"]]


def texts(event: dict[str, Any]) -> str:
    """The contents of an event's records, one after the other."""
    return "".join(
        base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]
    )


def given(lab: StreamLab) -> list[str]:
    return [texts(event) for event in lab.events]
