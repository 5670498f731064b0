"""What functions, operators and outsiders ask of one execution."""

from collections.abc import Iterable
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.durable.checkpoint_rules import check_updates
from emulator.durable.draft import Draft, new_token
from emulator.durable.engine import DurableEngine, not_there
from emulator.durable.envelope import page
from emulator.durable.execution import (
    AnsweredCheckpoint,
    Execution,
    ExecutionStatus,
    Pause,
)
from emulator.durable.operation import ErrorObject, Operation, OperationStatus, operation_answer
from emulator.durable.outcome import begin_pause
from emulator.durable.quota import Use, check_use, error_bytes, text_bytes, use_of
from emulator.durable.transitions import apply, beat, complete_due
from emulator.durable.update import OperationUpdate
from emulator.model import LambdaError
from emulator.model.durable import EXECUTION_TIMEOUT_MAXIMUM_S

_BAD_TOKEN: Final = "Invalid checkpoint token"  # the SDKs know it by this text
_STATE_PAGE: Final = 100


def checkpoint(
    engine: DurableEngine,
    execution: Execution,
    token: str,
    updates: Iterable[OperationUpdate],
    client_token: str | None,
) -> dict[str, Any]:
    """Make the updates of the invocation that has the token; answers with all that moved on."""
    with execution.lock:
        last = execution.last_checkpoint
        if last is not None and (last.token, last.client_token) == (token, client_token):
            return last.answer
        with engine.changing(execution) as draft:
            _check_token(execution, token)
            _update(engine, draft, list(updates))
            goes_on = not draft.head.is_ended and draft.head.status is not ExecutionStatus.PAUSED
        if not goes_on:  # without a token the invocation ends
            execution.token = None
            return {"NewExecutionState": {"Operations": []}}
        execution.token = new_token()
        answer = {
            "CheckpointToken": execution.token,
            "NewExecutionState": {"Operations": _unseen(execution)},
        }
        if client_token is not None:
            execution.last_checkpoint = AnsweredCheckpoint(
                token=token, client_token=client_token, answer=answer
            )
        return answer


def _update(engine: DurableEngine, draft: Draft, updates: list[OperationUpdate]) -> None:
    may_be_large = not draft.head.is_async and draft.head.parent_arn is None
    check_updates(updates, draft.find, may_be_large=may_be_large)
    more = use_of(updates, draft.find)
    check_use(draft.head.used, more)
    draft.use(more)
    for update in updates:
        apply(draft, update, lambda each: engine.chained.find_target(draft.head, each))
    complete_due(draft)
    if draft.head.status is ExecutionStatus.PAUSING:
        begin_pause(draft)
        draft.set(owes_invocation=True)


def state(
    execution: Execution, token: str, marker: str | None, items: int | None
) -> dict[str, Any]:
    """A page of the operations that the invocation with the token has to know."""
    with execution.lock:
        _check_token(execution, token)
        if marker and not marker.isdecimal():
            raise invalid("Invalid marker")
        after = int(marker) if marker else None
        shown, following = page(execution.replayed(), after, items or _STATE_PAGE)
        answer: dict[str, Any] = {"Operations": [_answer(each) for each in shown]}
        return answer if following is None else {**answer, "NextMarker": following}


def stop(engine: DurableEngine, execution: Execution, error: ErrorObject | None) -> float:
    """End an execution for good; returns when it ended, which may have been before."""
    with engine.changing(execution) as draft:
        if not draft.head.is_ended:
            why = error or ErrorObject(message="Execution stopped by user request")
            draft.finish(ExecutionStatus.STOPPED, error=why)
    assert execution.head.ended_at is not None
    return execution.head.ended_at


def pause(
    engine: DurableEngine,
    execution: Execution,
    *,
    reason: str | None,
    stops_timeout: bool,
    client_token: str | None,
) -> None:
    """Invoke nothing of an execution until it is resumed; its operations go on."""
    with engine.changing(execution) as draft:
        head = draft.head
        known = head.pause
        if known is not None and client_token is not None and known.client_token == client_token:
            return
        if head.status is not ExecutionStatus.RUNNING:
            raise _conflict(head.status, "paused")
        wanted = Pause(
            requested_at=draft.now,
            stops_timeout=stops_timeout,
            reason=reason,
            client_token=client_token,
        )
        draft.set(status=ExecutionStatus.PAUSING, pause=wanted, resume_token=None)
        if stops_timeout:
            draft.set(deadline_at=head.started_at + EXECUTION_TIMEOUT_MAXIMUM_S)
        if not execution.is_invoking:
            begin_pause(draft)


def resume(
    engine: DurableEngine, execution: Execution, *, reason: str | None, client_token: str | None
) -> None:
    """Go on with an execution that is paused, or was about to be."""
    with engine.changing(execution) as draft:
        head = draft.head
        if client_token is not None and head.resume_token == client_token:
            return
        if head.pause is None:
            raise _conflict(head.status, "resumed")
        if head.pause.stops_timeout:
            began_at = head.pause.began_at
            paused_s = 0.0 if began_at is None else draft.now - began_at
            config_s = head.config.execution_timeout_s
            draft.set(deadline_at=head.started_at + config_s + paused_s + head.paused_s)
            draft.set(paused_s=head.paused_s + paused_s)
        draft.set(status=ExecutionStatus.RUNNING, pause=None, resume_token=client_token)
        if head.status is ExecutionStatus.PAUSED:
            details: dict[str, Any] = {"ResumeRequestTimestamp": draft.now}
            if reason is not None:
                details["Reason"] = {"Payload": reason}
            draft.record("ExecutionResumed", details)


def delete(engine: DurableEngine, execution: Execution) -> float:
    """Forget an execution that has ended; returns when."""
    with engine.changing(execution) as draft:
        if not draft.head.is_ended:
            raise _conflict(draft.head.status, "deleted")
        now = draft.now
    engine.forget(execution)
    return now


def end_callback(
    engine: DurableEngine, callback_id: str, result: str | None, error: ErrorObject | None
) -> None:
    """Answer a callback: with a result, or with an error."""
    execution, id_ = find_callback(engine, callback_id)
    with engine.changing(execution) as draft:
        operation = _open_callback(draft, id_)
        status = OperationStatus.SUCCEEDED if error is None else OperationStatus.FAILED
        draft.end(operation, status, result=result, error=error)
        draft.use(Use(written_bytes=text_bytes(result) + error_bytes(error)))


def beat_callback(engine: DurableEngine, callback_id: str) -> None:
    """Hear that somebody still works on a callback."""
    execution, id_ = find_callback(engine, callback_id)
    with engine.changing(execution) as draft:
        beat(draft, _open_callback(draft, id_))


def find_callback(engine: DurableEngine, callback_id: str) -> tuple[Execution, str]:
    """Whose callback it is; raises ResourceNotFoundException."""
    found = engine.registry.callback(callback_id)
    if found is None:
        raise LambdaError("ResourceNotFoundException", f"Callback not found: {callback_id}")
    return found


def find(engine: DurableEngine, arn: str) -> Execution:
    """The execution with that ARN; raises ResourceNotFoundException."""
    execution = engine.registry.find(arn)
    if execution is None:
        raise not_there()
    return execution


def _open_callback(draft: Draft, id_: str) -> Operation:
    complete_due(draft)  # whoever moved the clock may be about to
    operation = draft.find(id_)
    if operation is None or not operation.waits or draft.head.is_ended:
        raise LambdaError("CallbackTimeoutException", "The callback has already been closed.")
    return operation


def _check_token(execution: Execution, token: str) -> None:
    if execution.token is None or execution.token != token:
        raise invalid(_BAD_TOKEN)


def _unseen(execution: Execution) -> list[dict[str, Any]]:
    """What the function has not heard of, in the order of the starts."""
    changed = sorted(
        (execution.operations[id_] for id_ in execution.unseen), key=lambda each: each.number
    )
    execution.unseen.clear()
    return [_answer(each) for each in changed]


def _answer(operation: Operation) -> dict[str, Any]:
    return operation_answer(operation, lambda moment: moment)


def _conflict(status: ExecutionStatus, what: str) -> LambdaError:
    return LambdaError(
        "ResourceConflictException",
        f"The durable execution is {status.value} and cannot be {what}.",
    )
