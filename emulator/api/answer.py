"""A whole HTTP answer, and the form Lambda gives its errors."""

import json
from dataclasses import dataclass

from emulator.model import LambdaError

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller; `headers` name everything but `Date`."""

    status: int
    headers: Headers
    body: bytes


def error_answer(error: LambdaError, request_id: str) -> Answer:
    """The answer to a request that failed. Source: spec/invoke.md section 4."""
    body = json.dumps(error.body(), separators=(",", ":")).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", error.code),
        *error.headers.items(),
    ]
    return Answer(error.fault.status, headers, body)
