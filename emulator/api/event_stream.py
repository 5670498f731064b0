"""Frames of `application/vnd.amazon.eventstream`. Source: spec/invoke.md section 1.5."""

import struct
from collections.abc import Mapping
from typing import Final
from zlib import crc32

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7  # the type of a header's value


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message: both lengths, their checksum, headers, payload, the checksum of it all."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    checked = lengths + struct.pack(">I", crc32(lengths)) + head
    checksum = crc32(payload, crc32(checked))
    return b"".join((checked, payload, struct.pack(">I", checksum)))


def event(kind: str, content_type: str, payload: bytes) -> bytes:
    """One event of an operation's stream."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": content_type}
    return frame(headers, payload)


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack(f">B{len(key)}sBH{len(text)}s", len(key), key, _STRING, len(text), text)
