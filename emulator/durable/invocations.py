"""The invocations that an execution is made of, one at a time."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from emulator.durable.draft import Draft, new_token
from emulator.durable.envelope import event_of
from emulator.durable.execution import Execution, ExecutionHead, ExecutionStatus
from emulator.durable.operation import ErrorObject
from emulator.durable.outcome import judge
from emulator.durable.surroundings import RunOnce, Surroundings
from emulator.invoke import new_request_id
from emulator.model import Invocation, InvocationResult, LambdaError

if TYPE_CHECKING:
    from emulator.durable.engine import DurableEngine

SOURCE: Final = "durable"  # of all invocations but the first
_REFUSED_DELAY_S: Final = (1.0, 300.0)  # doubled each time, as for asynchronous events
_DOUBLINGS: Final = 10
_AFTER_BUG_S: Final = 60.0
_ROUNDING_S: Final = 1e-3


class Invocations:
    """Runs them, on a worker's thread, and sees what each one means. Any thread may call."""

    def __init__(self, engine: "DurableEngine", around: Surroundings) -> None:
        self._engine = engine
        self._functions = around.functions
        self._clock = around.clock
        self._run_once: RunOnce | None = None

    def serve(self, run_once: RunOnce) -> None:
        """Have functions run by `run_once`."""
        self._run_once = run_once

    def run(self, execution: Execution) -> None:
        """Run the one that is due; `is_invoking` was set for it."""
        try:
            self._run(execution)
        except Exception:
            with execution.lock:  # a bug of ours, which the worker shows: not at once again
                later = self._clock.now() + _AFTER_BUG_S
                execution.head = replace(execution.head, retry_at=later)
            raise
        finally:
            with execution.lock:
                execution.is_invoking = False
                execution.token = None
                self._engine.follow_up(execution)

    def _run(self, execution: Execution) -> None:
        head = execution.head
        assert self._run_once is not None
        try:
            name = f"{head.function}:{head.version}"
            resolved = self._functions.resolve(head.account, head.region, name, None)
            event = self._begin(execution)
            if event is None:
                return
            invocation = _invocation(head, event)
            started_at = self._clock.now()
            result = self._run_once(resolved, invocation, started_at)
        except LambdaError as error:
            self._refused(execution, error)
        else:
            self._finished(execution, result, invocation.request_id, started_at)

    def _begin(self, execution: Execution) -> bytes | None:
        """The event of the invocation that begins; None: it is not wanted any more."""
        with execution.lock:
            if execution.is_forgotten or not wants_invocation(execution, self._clock.now()):
                return None
            token = execution.token = new_token()
            execution.last_checkpoint = None
            execution.head = replace(execution.head, retry_at=None)
            changed = [id_ for id_ in execution.unseen if id_ != execution.head.id]
            execution.unseen.clear()
            return event_of(execution, token, changed)

    def _finished(
        self, execution: Execution, result: InvocationResult, request_id: str, started_at: float
    ) -> None:
        if self._engine.stopping.is_set() and result.function_error is not None:
            return  # what a stop breaks off is no attempt: the next process tries again
        with execution.lock:
            execution.token = None
            if execution.is_forgotten:
                return
            execution.last_result = result if execution.waiters else None
            draft = Draft(execution, self._clock.now())
            judge(draft, result, request_id, started_at)
            self._engine.keep(draft, must_be_kept=False)

    def _refused(self, execution: Execution, error: LambdaError) -> None:
        """Nothing ran: throttled, or the function is gone."""
        with execution.lock:
            if execution.is_forgotten or execution.head.is_ended:
                return
            draft = Draft(execution, self._clock.now())
            head = draft.head
            if error.code == "ResourceNotFoundException":
                why = ErrorObject(message=error.message, type=error.code)
                draft.finish(ExecutionStatus.FAILED, error=why)
            elif head.invocations or head.is_async or head.parent_arn is not None:
                least_s, most_s = _REFUSED_DELAY_S
                delay_s = min(most_s, least_s * 2 ** min(head.refusals, _DOUBLINGS))
                draft.set(refusals=head.refusals + 1, retry_at=draft.now + delay_s)
            else:  # its caller hears of it, and may come again
                execution.refused = error
            self._engine.keep(draft, must_be_kept=False)
        if execution.refused is not None:
            self._engine.forget(execution)


def wants_invocation(execution: Execution, now: float) -> bool:
    """Whether one is due: something moved on, or an earlier one failed."""
    head = execution.head
    if head.status is not ExecutionStatus.RUNNING:
        return False
    is_time = head.retry_at is None or head.retry_at <= now + _ROUNDING_S
    return is_time and (head.owes_invocation or bool(execution.unseen))


def _invocation(head: ExecutionHead, event: bytes) -> Invocation:
    is_first = head.invocations == 0
    return Invocation(
        request_id=head.request_id if is_first else new_request_id(),
        payload=event,
        invoked_arn=head.invoked_arn,
        trace_header=head.trace_header,
        client_context=head.client_context,
        tenant_id=head.tenant_id,
        source=head.source if is_first else SOURCE,
        cause=head.cause if is_first else head.request_id,
        attempt=head.failures + 1,
        wants_log=head.wants_log,
    )
