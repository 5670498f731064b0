"""What updates, time and the world outside make of an execution's operations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.durable.draft import Draft, new_token
from emulator.durable.execution import ExecutionStatus
from emulator.durable.operation import ErrorObject, Operation, OperationStatus, OperationType
from emulator.durable.update import Action, OperationUpdate


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainedTarget:
    """What a chained invocation leads to."""

    error: ErrorObject | None = None  # why it cannot be started
    version: str | None = None  # that will run
    child_arn: str | None = None  # of the execution that it will start


FindTarget = Callable[[OperationUpdate], ChainedTarget]

TIMED_OUT: Final = ErrorObject(message="Callback timed out", type="Callback.Timeout")
NO_HEARTBEAT: Final = ErrorObject(
    message="Callback timed out on heartbeat", type="Callback.Heartbeat"
)
_ROUNDING_S: Final = 1e-3


def apply(draft: Draft, update: OperationUpdate, find_target: FindTarget) -> None:
    """Make one update that `check_updates` let pass."""
    current = draft.find(update.id)
    match update.type, update.action:
        case OperationType.EXECUTION, Action.SUCCEED:
            draft.finish(ExecutionStatus.SUCCEEDED, result=update.payload)
        case OperationType.EXECUTION, _:
            draft.finish(ExecutionStatus.FAILED, error=update.error or ErrorObject())
        case _, Action.START:
            _start(draft, update, current, find_target)
        case _, Action.RETRY:
            _retry(draft, update, current or _new(draft, update))
        case _, Action.CANCEL:
            assert current is not None
            draft.end(current, OperationStatus.CANCELLED)
        case _:
            _close(draft, update, current or _new(draft, update))


def complete_due(draft: Draft) -> None:
    """Do what was due by `draft.now`: waits, retries, callbacks, the execution's own timeout."""
    if draft.head.is_ended:
        return
    now = draft.now + _ROUNDING_S
    for operation in list(draft.execution.open.values()):
        due_at = operation.next_due_at
        if operation.id not in draft.operations and due_at is not None and due_at <= now:
            _complete(draft, operation, now)
    if draft.head.deadline_at <= now:
        seconds = draft.head.config.execution_timeout_s
        error = ErrorObject(message=f"Execution timed out after {seconds} seconds.")
        draft.finish(ExecutionStatus.TIMED_OUT, error=error)


def _complete(draft: Draft, operation: Operation, now: float) -> None:
    if operation.type is OperationType.WAIT:
        draft.end(operation, OperationStatus.SUCCEEDED)
    elif operation.type is OperationType.STEP:
        ready = replace(operation, status=OperationStatus.READY, next_attempt_at=None)
        draft.operations[operation.id] = ready
    else:
        is_over = operation.due_at is not None and operation.due_at <= now
        error = TIMED_OUT if is_over else NO_HEARTBEAT
        draft.end(operation, OperationStatus.TIMED_OUT, error=error)


def beat(draft: Draft, callback: Operation) -> None:
    """Somebody works on a callback: the time until he has to say so again starts anew."""
    if callback.heartbeat_s:
        due_at = draft.now + callback.heartbeat_s
        draft.put_quietly(replace(callback, heartbeat_due_at=due_at))


def _start(
    draft: Draft, update: OperationUpdate, current: Operation | None, find_target: FindTarget
) -> None:
    if current is not None:  # a further attempt of a step, which goes on from its last payload
        draft.start(
            replace(current, status=OperationStatus.STARTED, next_attempt_at=None, error=None)
        )
        return
    made = _new(draft, update)
    if update.type is not OperationType.CHAINED_INVOKE:
        draft.start(made)
        return
    target = find_target(update)
    if target.error is not None:  # nothing is kept of the input of what could not start
        draft.start(replace(made, input=None))
        draft.end(replace(made, input=None), OperationStatus.FAILED, error=target.error)
    else:
        draft.start(replace(made, executed_version=target.version, child_arn=target.child_arn))


def _retry(draft: Draft, update: OperationUpdate, current: Operation) -> None:
    assert update.next_attempt_s is not None
    waiting = replace(
        current,
        status=OperationStatus.PENDING,
        attempt=current.attempt + 1,
        next_attempt_at=draft.now + update.next_attempt_s,
        result=update.payload,
        error=update.error,
    )
    draft.retry(waiting, update.next_attempt_s)


def _close(draft: Draft, update: OperationUpdate, current: Operation) -> None:
    changes: dict[str, Any] = {"result": update.payload, "error": update.error}
    if update.type is OperationType.STEP:
        changes["attempt"] = current.attempt + 1
    if update.replay_children:
        changes["replay_children"] = True
    is_success = update.action is Action.SUCCEED
    draft.end(
        current, OperationStatus.SUCCEEDED if is_success else OperationStatus.FAILED, **changes
    )


def _new(draft: Draft, update: OperationUpdate) -> Operation:
    made = Operation(
        id=update.id,
        number=draft.operations_count,
        type=update.type,
        status=OperationStatus.STARTED,
        started_at=draft.now,
        parent_id=update.parent_id,
        name=update.name,
        sub_type=update.sub_type,
    )
    match update.type:
        case OperationType.WAIT:
            seconds = update.wait_s or 1  # the SDK's default
            return replace(made, duration_s=seconds, due_at=draft.now + seconds)
        case OperationType.CALLBACK:
            return _new_callback(draft, update, made)
        case OperationType.CHAINED_INVOKE:
            return replace(
                made,
                input="{}" if update.payload is None else update.payload,
                function_name=update.function_name,
                tenant_id=update.tenant_id,
                trace_header=update.trace_header,
            )
    return made


def _new_callback(draft: Draft, update: OperationUpdate, made: Operation) -> Operation:
    return replace(
        made,
        callback_id=new_token(),
        duration_s=update.timeout_s,
        due_at=draft.now + update.timeout_s if update.timeout_s else None,
        heartbeat_s=update.heartbeat_s,
        heartbeat_due_at=draft.now + update.heartbeat_s if update.heartbeat_s else None,
    )
