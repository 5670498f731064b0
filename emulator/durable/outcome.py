"""What one ended invocation means for its execution."""

from typing import Final

from emulator.durable.checkpoint_rules import PAYLOAD_BYTES
from emulator.durable.draft import Draft
from emulator.durable.envelope import Output, function_failure, output_of
from emulator.durable.execution import ExecutionStatus, Pause
from emulator.durable.history import failure
from emulator.durable.operation import ErrorObject
from emulator.durable.quota import Use, error_bytes
from emulator.model import InvocationResult

ATTEMPTS: Final = 5  # invocations that fail in a row; then the execution has failed
IDLE_ATTEMPTS: Final = 3  # answers in a row that wait for nothing
RETRY_DELAY_S: Final = 5.0


def judge(draft: Draft, result: InvocationResult, request_id: str, started_at: float) -> None:
    """Record an invocation that ended, and go on, end, or try again.

    Attempts and delay are those of AWS's testing library; the service's own are not documented.
    """
    error = None if result.function_error is None else function_failure(result.payload)
    output = None
    if error is None:
        try:
            output = output_of(result.payload)
        except ValueError as problem:
            error = ErrorObject(message=str(problem), type="InvalidParameterValueException")
        else:
            error = output.error
    details = {
        "StartTimestamp": started_at,
        "EndTimestamp": draft.now,
        "RequestId": request_id,
        "Error": failure(error),
    }
    draft.record("InvocationCompleted", details)
    draft.set(invocations=draft.head.invocations + 1)
    if draft.head.is_ended:
        return  # stopped, timed out, or ended by a checkpoint of this invocation
    if output is not None:
        _follow(draft, output)
    elif result.function_error is not None:
        _try_again(draft, error or ErrorObject(), ATTEMPTS)
    else:
        draft.finish(ExecutionStatus.FAILED, error=error)


def _follow(draft: Draft, output: Output) -> None:
    if output.status == "PENDING":
        _wait(draft)
    elif output.status == "FAILED":
        draft.finish(ExecutionStatus.FAILED, error=output.error or ErrorObject())
    elif draft.head.parent_arn is not None and _is_large(output.result):
        text = f"Execution output payload size must be less than or equal to {PAYLOAD_BYTES} bytes."
        draft.finish(ExecutionStatus.FAILED, error=ErrorObject(message=text))
    else:
        draft.finish(ExecutionStatus.SUCCEEDED, result=output.result)


def _wait(draft: Draft) -> None:
    execution, head = draft.execution, draft.head
    if head.status is ExecutionStatus.RUNNING and not (execution.open or execution.unseen):
        text = "Cannot return PENDING status with no pending operations."
        error = ErrorObject(message=text, type="InvalidParameterValueException")
        _try_again(draft, error, IDLE_ATTEMPTS)
        return
    if head.status is not ExecutionStatus.PAUSED:  # else a checkpoint of it has settled this
        draft.set(owes_invocation=bool(execution.unseen))
    draft.set(failures=0, refusals=0)
    if head.status is ExecutionStatus.PAUSING:
        begin_pause(draft)


def _try_again(draft: Draft, error: ErrorObject, attempts: int) -> None:
    failures = draft.head.failures + 1
    if failures >= attempts:
        draft.finish(ExecutionStatus.FAILED, error=error)
        return
    draft.use(Use(operations=1, written_bytes=error_bytes(error)))
    draft.set(failures=failures, retry_at=draft.now + RETRY_DELAY_S, owes_invocation=True)
    if draft.head.status is ExecutionStatus.PAUSING:
        begin_pause(draft)


def begin_pause(draft: Draft) -> None:
    """From here on nothing of it is invoked."""
    pause = draft.head.pause
    assert pause is not None
    began = Pause(
        requested_at=pause.requested_at,
        stops_timeout=pause.stops_timeout,
        reason=pause.reason,
        client_token=pause.client_token,
        began_at=draft.now,
    )
    draft.set(status=ExecutionStatus.PAUSED, pause=began)
    details = {
        "PauseRequestTimestamp": pause.requested_at,
        "ExecutionTimeoutPaused": pause.stops_timeout,
        **({} if pause.reason is None else {"Reason": {"Payload": pause.reason}}),
    }
    draft.record("ExecutionPaused", details)


def _is_large(result: str | None) -> bool:
    return result is not None and len(result.encode()) > PAYLOAD_BYTES
