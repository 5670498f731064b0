"""NATS messages as events, and what functions answer as replies."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulator.invoke.payload import check_payload
from emulator.model import InvocationResult, LambdaError

HEADERS_CHARS: Final = 8_000  # the context is an HTTP header, and Node takes 16 KiB of them

_FUNCTION_ERROR: Final = "Lambda-Function-Error"
_REQUEST_ERROR: Final = "Lambda-Error-Type"
# How services that NATS itself describes tell an error (NATS micro), so that its tools see one.
_SERVICE_ERROR: Final = "Nats-Service-Error"
_SERVICE_CODE: Final = "Nats-Service-Error-Code"


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsMessage:
    """One message as it was received; stream, consumer and sequence only from JetStream."""

    subject: str
    body: bytes
    reply: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # of a repeated one the last
    stream: str | None = None
    consumer: str | None = None
    sequence: int | None = None  # in the stream
    deliveries: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What goes to the inbox of who asked; a client without headers gets the body alone."""

    body: bytes
    headers: Mapping[str, str] | None = None


def event_of(body: bytes) -> bytes:
    """The event: the body where it is JSON, else a JSON string, else its base64.

    An empty body is `{}`, as it is for Invoke.
    """
    if not body:
        return b"{}"
    try:
        check_payload(body, len(body))
    except LambdaError:
        return _json(_readable(body)).encode()
    return body


def client_context_of(message: NatsMessage) -> str:
    """The rest of the message: `context.client_context.custom["nats"]`.

    Headers beyond `HEADERS_CHARS` are left out, and `headers_cut` is true.
    """
    headers: dict[str, str] = {}
    chars = 0
    for name, value in message.headers.items():
        chars += len(json.dumps(name)) + len(json.dumps(value))
        if chars <= HEADERS_CHARS:
            headers[name] = value
    nats: dict[str, Any] = {
        "subject": message.subject,
        "reply": message.reply,
        "headers": headers,
        "stream": message.stream,
        "consumer": message.consumer,
        "sequence": message.sequence,
        "redeliveries": message.deliveries - 1,
    }
    if len(headers) < len(message.headers):
        nats["headers_cut"] = True
    return json.dumps({"custom": {"nats": nats}})


def answer(result: InvocationResult) -> Reply:
    """The function's response, or its error as Invoke would answer it, marked by headers."""
    if result.function_error is None:
        return Reply(body=result.payload)
    return Reply(
        body=result.payload,
        headers={
            _FUNCTION_ERROR: result.function_error,
            _SERVICE_CODE: "500",
            _SERVICE_ERROR: result.error_type or result.function_error,
        },
    )


def refusal(error: LambdaError) -> Reply:
    """What the Lambda API would answer where nothing ran: 404, 429, …"""
    return Reply(
        body=_json(error.body()).encode(),
        headers={
            _REQUEST_ERROR: error.code,
            _SERVICE_CODE: str(error.fault.status),
            _SERVICE_ERROR: error.message,
        },
    )


def too_large(reply: Reply, limit_bytes: int) -> Reply:
    """What goes out instead of a reply that the NATS server would not take."""
    text = (
        f"Response payload size ({len(reply.body)} bytes) exceeded maximum allowed payload size"
        f" ({limit_bytes} bytes)."
    )
    document = {"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}
    return Reply(
        body=_json(document).encode(),
        headers={_FUNCTION_ERROR: "Unhandled", _SERVICE_CODE: "500", _SERVICE_ERROR: text},
    )


def dead_letter_headers(message: NatsMessage, reason: str) -> dict[str, str]:
    """The message's own headers, and where it comes from.

    NATS's own headers stay behind: an id would make the letter a duplicate in its own stream.
    """
    own = {name: text for name, text in message.headers.items() if not name.startswith("Nats-")}
    return own | {
        "Lambda-Subject": message.subject,
        "Lambda-Stream": message.stream or "",
        "Lambda-Sequence": str(message.sequence),
        "Lambda-Deliveries": str(message.deliveries),
        "Lambda-Error": reason,
    }


def _readable(body: bytes) -> str | dict[str, str]:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
