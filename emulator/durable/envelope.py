"""What an invocation of a durable function gets, and what it answers.

The contract is the one of AWS's durable execution SDKs; moments are milliseconds there.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.durable.execution import Execution
from emulator.durable.operation import (
    ErrorObject,
    Operation,
    operation_answer,
)

PAGE_BYTES: Final = 5 * 1024 * 1024  # of operations, so that an event stays below 6 MB
_STATUSES: Final = ("SUCCEEDED", "FAILED", "PENDING")
_MEMBERS: Final = ("ErrorMessage", "ErrorType", "ErrorData", "StackTrace")
_FUNCTION_ERROR_MEMBERS: Final = ("errorMessage", "errorType", "errorData", "stackTrace")


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The answer of one invocation."""

    status: str
    result: str | None = None
    error: ErrorObject | None = None


def event_of(execution: Execution, token: str, changed: list[str]) -> bytes:
    """The event of the next invocation; changed: the operations that moved since the last one."""
    operations, marker = page(execution.replayed(), None, None)
    event = {
        "DurableExecutionArn": execution.head.arn,
        "CheckpointToken": token,
        "InitialExecutionState": {
            "Operations": [operation_answer(each, _milliseconds) for each in operations],
            "NextMarker": marker or "",
        },
        "UpdatedOperationIds": changed,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def page(
    operations: Iterable[Operation], after: int | None, items: int | None
) -> tuple[list[Operation], str | None]:
    """The operations behind number `after`, as many as fit, and the marker where more follow."""
    shown: list[Operation] = []
    size = 0
    for operation in operations:
        if after is not None and operation.number <= after:
            continue
        size += operation.size
        if shown and (size > PAGE_BYTES or len(shown) == items):
            return shown, str(shown[-1].number)
        shown.append(operation)
    return shown, None


def output_of(payload: bytes) -> Output:
    """Read an answer; raises ValueError, with a text for the user, for what is none."""
    try:
        document = json.loads(payload)
        status, result = document.get("Status"), document.get("Result")
        error = document.get("Error")
        told = None if error is None else _error(error, *_MEMBERS)
    except (ValueError, AttributeError, RecursionError):
        raise ValueError("Invalid invocation output: it is no JSON object.") from None
    if status not in _STATUSES:
        raise ValueError(f"Invalid invocation output: {status!r} is no Status.")
    if not isinstance(result, str | None):
        raise ValueError("Invalid invocation output: Result is no text.")
    output = Output(status=status, result=_text(result), error=told)
    if status == "SUCCEEDED" and error is not None:
        raise ValueError("Cannot provide an Error for SUCCEEDED status.")
    if status == "FAILED" and output.result is not None:
        raise ValueError("Cannot provide a Result for FAILED status.")
    return output


def function_failure(payload: bytes) -> ErrorObject:
    """What a function that raised, crashed or took too long answered, as an error."""
    try:
        return _error(json.loads(payload), *_FUNCTION_ERROR_MEMBERS)
    except (ValueError, AttributeError, RecursionError):
        return ErrorObject(message=payload.decode(errors="replace"))


def failure_payload(error: ErrorObject) -> bytes:
    """An error as a caller of Invoke gets it."""
    members = {
        "errorMessage": error.message,
        "errorType": error.type,
        "errorData": error.data,
        "stackTrace": None if error.stack_trace is None else list(error.stack_trace),
    }
    given = {name: value for name, value in members.items() if value is not None}
    return json.dumps(given, separators=(",", ":")).encode()


def _error(said: Mapping[str, Any], *names: str) -> ErrorObject:
    """An error in the words of a function, which may have said anything at all."""
    message, kind, data, trace = (said.get(name) for name in names)
    return ErrorObject(
        message=_text(message),
        type=_text(kind),
        data=_text(data),
        stack_trace=tuple(str(_text(line)) for line in trace) if isinstance(trace, list) else None,
    )


def _text(said: object) -> str | None:
    """It as a text that can be sent: JSON's has halves of characters, too."""
    return None if said is None else str(said).encode(errors="replace").decode()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
