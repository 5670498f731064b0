"""A change of an execution: made here first, and taken over once it is kept."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.durable.execution import Execution, ExecutionStatus
from emulator.durable.history import (
    HistoryEvent,
    data,
    ended_details,
    failure,
    kind_of,
    retried_details,
    started_details,
)
from emulator.durable.operation import ErrorObject, Operation, OperationStatus, OperationType
from emulator.durable.quota import Use, text_bytes

_ENDINGS = {
    ExecutionStatus.SUCCEEDED: "ExecutionSucceeded",
    ExecutionStatus.FAILED: "ExecutionFailed",
    ExecutionStatus.TIMED_OUT: "ExecutionTimedOut",
    ExecutionStatus.STOPPED: "ExecutionStopped",
}
_EVENTS = {
    OperationStatus.SUCCEEDED: "Succeeded",
    OperationStatus.FAILED: "Failed",
    OperationStatus.CANCELLED: "Cancelled",
    OperationStatus.TIMED_OUT: "TimedOut",
    OperationStatus.STOPPED: "Stopped",
}


class Draft:
    """What is to change at `now`; used under the execution's lock, and thrown away on an error."""

    def __init__(self, execution: Execution, now: float) -> None:
        self._execution = execution
        self.now = now
        self.head = execution.head
        self.operations: dict[str, Operation] = {}  # those that change
        self.events: list[HistoryEvent] = []
        self._unnoticed: set[str] = set()  # changes that the function need not hear of

    @property
    def execution(self) -> Execution:
        """What changes."""
        return self._execution

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.operations or self.events or self.head is not self._execution.head)

    def find(self, id_: str) -> Operation | None:
        """An operation as it is to be."""
        return self.operations.get(id_) or self._execution.operations.get(id_)

    @property
    def operations_count(self) -> int:
        """How many operations there will be."""
        known = self._execution.operations
        return len(known) + sum(id_ not in known for id_ in self.operations)

    def set(self, **changes: Any) -> None:
        """Change the head."""
        self.head = replace(self.head, **changes)

    def use(self, more: Use) -> None:
        """Count what it costs."""
        self.set(used=self.head.used + more)

    def put_quietly(self, operation: Operation) -> None:
        """Change an operation in a way that the function need not hear of."""
        self.operations[operation.id] = operation
        self._unnoticed.add(operation.id)

    @property
    def concerns_function(self) -> bool:
        """Whether the function has to hear of it."""
        return any(id_ not in self._unnoticed for id_ in self.operations)

    def record(
        self, kind: str, details: Mapping[str, Any], operation: Operation | None = None
    ) -> None:
        """Add an event."""
        number = len(self._execution.events) + len(self.events) + 1
        of_operation = operation and {
            "operation_id": operation.id,
            "parent_id": operation.parent_id,
            "name": operation.name,
            "sub_type": operation.sub_type,
        }
        self.events.append(
            HistoryEvent(
                number=number, kind=kind, at=self.now, details=details, **(of_operation or {})
            )
        )

    def start(self, operation: Operation) -> None:
        """Add an operation, or a further attempt of it."""
        self.operations[operation.id] = operation
        self.record(kind_of(operation, "Started"), started_details(operation), operation)

    def end(self, operation: Operation, status: OperationStatus, **changes: Any) -> Operation:
        """End an operation and return it as it then is."""
        ended = replace(
            operation,
            status=status,
            ended_at=self.now,
            next_attempt_at=None,
            heartbeat_due_at=None,
            **changes,
        )
        self.operations[ended.id] = ended
        self.record(kind_of(ended, _EVENTS[status]), ended_details(ended), ended)
        return ended

    def retry(self, operation: Operation, delay_s: int) -> None:
        """Have a step wait for its next attempt."""
        self.operations[operation.id] = operation
        what = "Failed" if operation.error is not None else "Succeeded"
        details = retried_details(operation, delay_s)
        self.record(kind_of(operation, what), details, operation)

    def begin(self, payload: str) -> None:
        """Start the execution itself."""
        self.use(Use(operations=1, written_bytes=text_bytes(payload)))
        head = self.head
        self.operations[head.id] = Operation(
            id=head.id,
            number=0,
            type=OperationType.EXECUTION,
            status=OperationStatus.STARTED,
            started_at=self.now,
            name=head.name,
            input=payload,
        )
        details = {"Input": data(payload), "ExecutionTimeout": head.config.execution_timeout_s}
        self.record("ExecutionStarted", details, self.operations[head.id])

    def finish(
        self, status: ExecutionStatus, result: str | None = None, error: ErrorObject | None = None
    ) -> None:
        """End the execution itself."""
        self.set(
            status=status,
            ended_at=self.now,
            result=result,
            error=error,
            owes_invocation=False,
            retry_at=None,
            pause=None,
        )
        own = self.find(self.head.id)
        assert own is not None
        ended = replace(own, status=OperationStatus(status.value), ended_at=self.now)
        self.operations[own.id] = ended
        is_success = status is ExecutionStatus.SUCCEEDED
        details = {"Result": data(result)} if is_success else {"Error": failure(error)}
        self.record(_ENDINGS[status], details, ended)

    def commit(self) -> None:
        """Take it over. What changed is told to the function with its next checkpoint."""
        execution = self._execution
        execution.head = self.head
        execution.events.extend(self.events)
        for id_, operation in self.operations.items():
            execution.operations[id_] = operation
            if id_ not in self._unnoticed:
                execution.unseen[id_] = None
            if operation.waits:
                execution.open[id_] = operation
            else:
                execution.open.pop(id_, None)
        if self.head.is_ended:
            execution.open.clear()
            execution.token = None


def new_token() -> str:
    """A token that a checkpoint brings back, or the name of a callback."""
    return uuid.uuid4().hex
