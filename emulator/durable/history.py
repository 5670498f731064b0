"""The events of an execution: what happened to it and to its operations, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.durable.operation import ErrorObject, Operation, OperationType, error_answer

_DATA: Final = frozenset({"Input", "Result", "Error", "Reason"})  # members with a payload
_NAMES: Final[Mapping[OperationType, str]] = {
    OperationType.EXECUTION: "Execution",
    OperationType.CONTEXT: "Context",
    OperationType.STEP: "Step",
    OperationType.WAIT: "Wait",
    OperationType.CALLBACK: "Callback",
    OperationType.CHAINED_INVOKE: "ChainedInvoke",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEvent:
    """One event. details: its own members as the API has them, payloads included."""

    number: int  # from 1
    kind: str  # EventType
    at: float  # seconds since the epoch
    details: Mapping[str, Any]
    operation_id: str | None = None
    parent_id: str | None = None
    name: str | None = None
    sub_type: str | None = None


def event_answer(event: HistoryEvent, *, with_data: bool) -> dict[str, Any]:
    """An Event as the API shows it; without data its payloads are marked as left out."""
    members = {
        "EventType": event.kind,
        "SubType": event.sub_type,
        "EventId": event.number,
        "Id": event.operation_id,
        "Name": event.name,
        "EventTimestamp": event.at,
        "ParentId": event.parent_id,
        f"{event.kind}Details": {
            name: _data(value, with_data) if name in _DATA else value
            for name, value in event.details.items()
        },
    }
    return {name: value for name, value in members.items() if value is not None}


def _data(value: Mapping[str, Any], with_data: bool) -> dict[str, Any]:
    if with_data or "Payload" not in value:
        return {**value, "Truncated": False}
    return {"Truncated": True}


def kind_of(operation: Operation, what: str) -> str:
    """The EventType of what happened to an operation: `StepStarted`."""
    return _NAMES[operation.type] + what


def data(text: str | None) -> dict[str, Any]:
    """A text among the details."""
    return {} if text is None else {"Payload": text}


def failure(error: ErrorObject | None) -> dict[str, Any]:
    """An error among the details."""
    return {} if error is None else {"Payload": error_answer(error)}


def started_details(operation: Operation) -> dict[str, Any]:
    """The details of an operation that starts."""
    match operation.type:
        case OperationType.WAIT:
            return {"Duration": operation.duration_s, "ScheduledEndTimestamp": operation.due_at}
        case OperationType.CALLBACK:
            return _callback(operation)
        case OperationType.CHAINED_INVOKE:
            return _chained(operation)
    return {}


def ended_details(operation: Operation) -> dict[str, Any]:
    """The details of an operation that ended; its status says how."""
    match operation.type:
        case OperationType.WAIT:
            is_over = operation.status == "SUCCEEDED"
            return {"Duration": operation.duration_s} if is_over else {}
        case OperationType.STEP:
            return {**_outcome(operation), "RetryDetails": {"CurrentAttempt": operation.attempt}}
    return _outcome(operation)


def retried_details(operation: Operation, delay_s: int) -> dict[str, Any]:
    """The details of a step whose attempt ended and that has another one."""
    retry = {"CurrentAttempt": operation.attempt, "NextAttemptDelaySeconds": delay_s}
    return {**_outcome(operation), "RetryDetails": retry}


def _outcome(operation: Operation) -> dict[str, Any]:
    if operation.error is not None or operation.status not in ("SUCCEEDED", "PENDING"):
        return {"Error": failure(operation.error)}
    return {"Result": data(operation.result)}


def _callback(operation: Operation) -> dict[str, Any]:
    details: dict[str, Any] = {"CallbackId": operation.callback_id}
    if operation.heartbeat_s:
        details["HeartbeatTimeout"] = operation.heartbeat_s
    if operation.due_at is not None:
        details["Timeout"] = operation.duration_s
    return details


def _chained(operation: Operation) -> dict[str, Any]:
    details: dict[str, Any] = {"FunctionName": operation.function_name}
    if operation.input is not None:
        details["Input"] = data(operation.input)
    if operation.tenant_id is not None:
        details["TenantId"] = operation.tenant_id
    if operation.executed_version is not None:
        details["ExecutedVersion"] = operation.executed_version
    if operation.child_arn is not None:
        details["DurableExecutionArn"] = operation.child_arn
    return details
