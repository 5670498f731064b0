"""REST APIs, as their owner sees them."""

from typing import Any

from tests.event_sources.api_gateway_lab import (
    Answer,
)


def policy(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    """A statement about everything, but for `members`."""
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*", **members}


def error(answer: Answer) -> tuple[int, Any, str | None]:
    """Status, body and kind of an error."""
    return answer.status, answer.json, answer.headers["x-amzn-ErrorType"]


def raise_error(message: str) -> None:
    raise RuntimeError(message)
