"""Frames as botocore, and so every SDK, reads them."""

from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from emulator.api import event_stream


@pytest.mark.parametrize("payload", [b"", b"one", bytes(range(256)) * 5_000])
def test_a_client_reads_what_was_written(payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(event_stream.event("PayloadChunk", "application/octet-stream", payload))
    buffer.add_data(event_stream.event("InvokeComplete", "application/json", b"{}"))
    messages: list[Any] = list(buffer)
    chunk, end = messages
    assert chunk.payload == payload
    assert chunk.headers == {
        ":message-type": "event",
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
    }
    assert end.headers[":event-type"] == "InvokeComplete"
    assert end.payload == b"{}"
