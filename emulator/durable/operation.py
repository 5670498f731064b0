"""One operation of a durable execution, and the words it is described in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class OperationType(StrEnum):
    """What kind of work it is."""

    EXECUTION = "EXECUTION"
    CONTEXT = "CONTEXT"
    STEP = "STEP"
    WAIT = "WAIT"
    CALLBACK = "CALLBACK"
    CHAINED_INVOKE = "CHAINED_INVOKE"


class OperationStatus(StrEnum):
    """Where it stands."""

    STARTED = "STARTED"
    PENDING = "PENDING"  # a step that waits for its next attempt
    READY = "READY"  # a step whose next attempt is due
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"


OPEN: Final = frozenset({OperationStatus.STARTED, OperationStatus.PENDING, OperationStatus.READY})


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorObject:
    """Why something failed, in the words of who failed."""

    message: str | None = None
    type: str | None = None
    data: str | None = None
    stack_trace: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation as it stands; each change makes another one. Times: seconds since the epoch."""

    id: str
    number: int  # in the order of their starts
    type: OperationType
    status: OperationStatus
    started_at: float
    ended_at: float | None = None
    parent_id: str | None = None
    name: str | None = None
    sub_type: str | None = None
    input: str | None = None  # of an execution and of a chained invocation
    result: str | None = None
    error: ErrorObject | None = None
    replay_children: bool = False
    attempt: int = 0  # of a step: how many ended
    next_attempt_at: float | None = None
    duration_s: int = 0  # of a wait
    due_at: float | None = None  # when a wait is over, or a callback's time
    callback_id: str | None = None
    heartbeat_s: int = 0
    heartbeat_due_at: float | None = None
    function_name: str | None = None  # of a chained invocation, as the function wrote it
    tenant_id: str | None = None
    trace_header: str | None = None
    executed_version: str | None = None
    child_arn: str | None = None  # of the durable execution that it starts

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def waits(self) -> bool:
        """Whether something outside the function moves it on."""
        if self.type is OperationType.STEP:
            return self.status is OperationStatus.PENDING
        return self.status is OperationStatus.STARTED and self.type in _MOVED_FROM_OUTSIDE

    @property
    def next_due_at(self) -> float | None:
        """When time moves it on; None: never."""
        if not self.is_open:
            return None
        times = (self.due_at, self.heartbeat_due_at, self.next_attempt_at)
        return min((each for each in times if each is not None), default=None)

    @property
    def size(self) -> int:
        """About how many bytes it has on the wire."""
        error = self.error
        texts = (self.input, self.result, error and error.message, error and error.data)
        return 400 + sum(len(text) for text in texts if text)


_MOVED_FROM_OUTSIDE: Final = frozenset(
    {OperationType.WAIT, OperationType.CALLBACK, OperationType.CHAINED_INVOKE}
)


def error_of(members: Mapping[str, Any] | None) -> ErrorObject | None:
    """An ErrorObject from its members in a request or an answer; None: there is none."""
    if members is None:
        return None
    trace = members.get("StackTrace")
    return ErrorObject(
        message=members.get("ErrorMessage"),
        type=members.get("ErrorType"),
        data=members.get("ErrorData"),
        stack_trace=None if trace is None else tuple(trace),
    )


def error_answer(error: ErrorObject) -> dict[str, Any]:
    """An ErrorObject as the API shows it."""
    members = {
        "ErrorMessage": error.message,
        "ErrorType": error.type,
        "ErrorData": error.data,
        "StackTrace": None if error.stack_trace is None else list(error.stack_trace),
    }
    return {name: value for name, value in members.items() if value is not None}


def operation_answer(operation: Operation, moment: Callable[[float], float]) -> dict[str, Any]:
    """An Operation as the API, or with other moments the event of an invocation, shows it."""
    members: dict[str, Any] = {
        "Id": operation.id,
        "ParentId": operation.parent_id,
        "Name": operation.name,
        "Type": operation.type.value,
        "SubType": operation.sub_type,
        "StartTimestamp": moment(operation.started_at),
        "EndTimestamp": None if operation.ended_at is None else moment(operation.ended_at),
        "Status": operation.status.value,
    }
    member, details = _DETAILS[operation.type]
    members[member] = _given(details(operation, moment))
    return _given(members)


Details = Callable[[Operation, Callable[[float], float]], dict[str, Any]]


def _outcome(operation: Operation) -> dict[str, Any]:
    error = operation.error
    return {
        "Result": operation.result,
        "Error": None if error is None else error_answer(error),
    }


def _step(operation: Operation, moment: Callable[[float], float]) -> dict[str, Any]:
    next_at = operation.next_attempt_at
    return {
        "Attempt": operation.attempt,
        "NextAttemptTimestamp": None if next_at is None else moment(next_at),
        **_outcome(operation),
    }


def _wait(operation: Operation, moment: Callable[[float], float]) -> dict[str, Any]:
    assert operation.due_at is not None
    return {"ScheduledEndTimestamp": moment(operation.due_at)}


def _context(operation: Operation, _: Callable[[float], float]) -> dict[str, Any]:
    return {"ReplayChildren": operation.replay_children or None, **_outcome(operation)}


def _callback(operation: Operation, _: Callable[[float], float]) -> dict[str, Any]:
    return {"CallbackId": operation.callback_id, **_outcome(operation)}


_DETAILS: Final[Mapping[OperationType, tuple[str, Details]]] = {
    OperationType.EXECUTION: (
        "ExecutionDetails",
        lambda operation, _: {"InputPayload": operation.input},
    ),
    OperationType.CONTEXT: ("ContextDetails", _context),
    OperationType.STEP: ("StepDetails", _step),
    OperationType.WAIT: ("WaitDetails", _wait),
    OperationType.CALLBACK: ("CallbackDetails", _callback),
    OperationType.CHAINED_INVOKE: (
        "ChainedInvokeDetails",
        lambda operation, _: _outcome(operation),
    ),
}


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
