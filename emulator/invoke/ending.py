"""How an asynchronous event ended, and what is sent to whom because of it.

Source: spec/async-and-destinations.md sections 3 and 4.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.payload import parse
from emulator.invoke.retry import Condition
from emulator.model import DestinationMessage, LambdaError, ResolvedFunction

_ERROR_MESSAGE_BYTES: Final = 1_024
_FUNCTION_ERROR_STATUS: Final = 200  # sic: the invocation itself went well


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a function made of the last attempt."""

    payload: bytes
    executed_version: str
    function_error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Why no attempt follows, and what the last one led to."""

    condition: Condition
    answer: Answer | None = None  # None: the function never ran
    refusal: LambdaError | None = None  # why it did not run in the end


def destination_message(
    event: QueuedEvent, resolved: ResolvedFunction, ending: Ending, now: float
) -> DestinationMessage | None:
    """The invocation record for the destination of this ending; None where there is none."""
    config, version = resolved.invoke_config, resolved.version
    is_success = ending.condition is Condition.SUCCESS
    target_arn = config.on_success if is_success else config.on_failure
    if target_arn is None:
        return None
    arn = qualified(resolved)
    return DestinationMessage(
        target_arn=target_arn,
        account=version.account,
        region=version.region,
        body=json.dumps(record(event, arn, ending, now), separators=(",", ":")),
        trace_header=event.trace_header,
        object_key=object_key(version.name, now) if target_arn.split(":")[2] == "s3" else "",
        detail_type=f"Lambda Function Invocation Result - {'Success' if is_success else 'Failure'}",
        resources=(arn,),
        cause=event.request_id,
    )


def dead_letter_message(
    event: QueuedEvent, resolved: ResolvedFunction, ending: Ending
) -> DestinationMessage | None:
    """The event itself for the dead-letter queue; None where there is none, or no failure."""
    version = resolved.version
    if version.dead_letter_arn is None or ending.condition is Condition.SUCCESS:
        return None
    return DestinationMessage(
        target_arn=version.dead_letter_arn,
        account=version.account,
        region=version.region,
        body=event.call.payload.decode(errors="replace"),
        trace_header=event.trace_header,
        attributes={
            "RequestID": ("String", event.request_id),
            "ErrorCode": ("Number", str(_error_code(ending))),
            "ErrorMessage": ("String", _error_message(ending)),
        },
    )


def record(event: QueuedEvent, arn: str, ending: Ending, now: float) -> dict[str, Any]:
    """The invocation record; arn: the function's, with the qualifier it was invoked by."""
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _timestamp(now),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": arn,
            "condition": ending.condition.value,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": _parsed(event.call.payload),
    }
    answer = ending.answer
    if answer is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": answer.executed_version}
        if answer.function_error is not None:
            context["functionError"] = answer.function_error
        document["responseContext"] = context
        document["responsePayload"] = _parsed(answer.payload)
    return document


def object_key(function: str, now: float) -> str:
    """Where a bucket gets the record of a failure."""
    day = datetime.fromtimestamp(now, UTC)
    moment = f"{day:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}"
    return f"aws/lambda/async/{function}/{moment}-{uuid.uuid4()}"


def qualified(resolved: ResolvedFunction) -> str:
    """The ARN that was invoked, with `:$LATEST` where no qualifier was given."""
    arn = resolved.invoked_arn
    return arn if arn != resolved.version.arn else f"{arn}:$LATEST"


def _error_code(ending: Ending) -> int:
    return _FUNCTION_ERROR_STATUS if ending.refusal is None else ending.refusal.fault.status


def _error_message(ending: Ending) -> str:
    if ending.refusal is not None:
        message = ending.refusal.message
    else:
        document = _parsed(ending.answer.payload) if ending.answer else None
        found = document.get("errorMessage") if isinstance(document, dict) else None
        message = str(found) if found else "Unhandled"  # an attribute must not be empty
    # What a function raised need not be text: the name of a file that is no UTF-8, say.
    return message.encode(errors="replace")[:_ERROR_MESSAGE_BYTES].decode(errors="ignore")


def _parsed(payload: bytes) -> Any:
    """A JSON document; what is none (a runtime may answer anything) as a text."""
    try:
        return parse(payload.decode())
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")


def _timestamp(now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
