"""What the answers of functions behind HTTP front ends share, whichever front end asked."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from emulator.event_sources.http_messages import compact, utf8


def parse_status(status: Any) -> int | None:
    """The status code of a response: a number, or its digits; None for anything else."""
    if isinstance(status, str) and status.isdecimal() and len(status) == 3:
        status = int(status)
    # True is an int, too.
    return status if type(status) is int and 200 <= status <= 599 else None


def header_text(value: Any) -> str:
    """A header's value as it goes out: JSON unless it is a string."""
    return value if isinstance(value, str) else compact(value)


def parse_body(response: Mapping[str, Any], *, decodes: bool = True) -> bytes | None:
    """The body of a response; None: it is malformed. decodes: base64, where it says so."""
    text = response.get("body")
    if not isinstance(text, str | None):
        return None
    body = utf8(text or "")
    if not (decodes and response.get("isBase64Encoded")):
        return body
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return None
