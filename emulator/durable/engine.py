"""Durable executions: started, invoked again whenever something moved on, ended, forgotten."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final

from emulator.durable.chained import ChainedInvocations
from emulator.durable.dead_letter import send_dead_letter
from emulator.durable.draft import Draft, new_token
from emulator.durable.envelope import event_of
from emulator.durable.execution import Execution, ExecutionStatus
from emulator.durable.kept_executions import KeptExecutions
from emulator.durable.operation import ErrorObject, Operation, OperationType
from emulator.durable.outcome import judge
from emulator.durable.registry import Registry
from emulator.durable.start import Start, check_invocable, check_same, new_execution, result_of
from emulator.durable.surroundings import Invoke, RunOnce, Surroundings
from emulator.durable.transitions import complete_due
from emulator.durable.workers import Workers
from emulator.invoke import new_request_id
from emulator.model import (
    Call,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
)
from emulator.storage import StorageError

_REFUSED_DELAY_S: Final = (1.0, 300.0)  # doubled each time, as for asynchronous events
_NO_THREAD_DELAY_S: Final = 1.0


class DurableEngine:
    """All executions, and the threads "durable-runner-N" that run their invocations.

    Any thread may call. An execution's lock guards it; it is held while a change is written, and
    never while a function runs. No two invocations of an execution run at once. There is an alarm
    for the moment at which time moves an execution on; what rings only starts a runner.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._clock = around.clock
        self._kept = KeptExecutions(around.documents)
        self.registry = Registry()
        self.chained = ChainedInvocations(self, around.functions)
        self.workers = Workers(around.activity, around.reporter)
        self._stopping = threading.Event()
        self._run_once: RunOnce | None = None

    def serve(self, run_once: RunOnce, invoke: Invoke) -> None:
        """Have functions run by `run_once`, and other functions invoked by `invoke`."""
        self._run_once = run_once
        self.chained.serve(invoke)

    # What an invocation of a durable function does.

    def check(self, resolved: ResolvedFunction, name: str | None, *, is_sync: bool) -> None:
        """Raise LambdaError where no execution may be started, or be named so."""
        check_invocable(resolved, name, is_sync=is_sync)

    def accept(self, resolved: ResolvedFunction, invocation: Invocation, name: str | None) -> str:
        """Start or find an execution without waiting; returns its ARN."""
        start = Start(resolved=resolved, invocation=invocation, name=name, is_async=True)
        return self.start(start).head.arn

    def start(self, start: Start) -> Execution:
        """Start an execution, or find the one that has its name and its payload already.

        Raises DurableExecutionAlreadyStartedException for another payload, StorageError.
        """
        if self._stopping.is_set():
            raise LambdaError("ServiceException", "The emulator stops.")
        execution = new_execution(start, self._clock.now())
        with execution.lock:
            while (there := self.registry.add(execution)) is not execution:
                if check_same(there, start):
                    return there
            draft = Draft(execution, execution.head.started_at)
            draft.begin(start.invocation.payload.decode())
            try:
                self._keep(draft)
            except BaseException:
                execution.is_forgotten = True
                self.registry.remove(execution)
                raise
        return execution

    def run(
        self, resolved: ResolvedFunction, invocation: Invocation, call: Call
    ) -> InvocationResult:
        """Start or find an execution and wait for its end.

        Raises LambdaError when nothing ran, or when it cannot be waited for any more.
        """
        start = Start(resolved=resolved, invocation=invocation, name=call.durable_name)
        execution = self.start(start)
        with execution.lock:
            if call.activity is not None and not _is_over(execution):
                execution.resting.append(call.activity)
                self._around.activity.end(call.activity)
            execution.lock.wait_for(lambda: _is_over(execution) or self._stopping.is_set())
            if execution.refused is not None:
                raise execution.refused
            if execution.head.is_ended:
                return result_of(execution)
        raise LambdaError("ServiceException", "The execution is no longer there, or goes on later.")

    # What changes an execution.

    @contextmanager
    def changing(self, execution: Execution, *, must_be_kept: bool = True) -> Iterator[Draft]:
        """Make a change under the lock: it is kept, and what follows from it is set going.

        An error within, or StorageError where it must be kept, leaves all as it was.
        """
        with execution.lock:
            if execution.is_forgotten:
                raise not_there()
            draft = Draft(execution, self._clock.now())
            yield draft
            self._keep(draft, must_be_kept=must_be_kept)

    def forget(self, execution: Execution) -> None:
        """Remove an execution and all of its data; raises StorageError."""
        with execution.lock:
            if execution.is_forgotten:
                return
            self._kept.remove(execution)
            self._let_go(execution)
        self.registry.remove(execution)

    def function_deleted(self, version: FunctionVersion) -> None:
        """End and forget what ran of a version that is gone, as nobody can ask for it any more."""
        error = ErrorObject(message="The function was deleted.")
        for execution in self.registry.of_function(version.account, version.region, version.name):
            if execution.head.version != version.version:
                continue
            with suppress(LambdaError, StorageError):
                with self.changing(execution, must_be_kept=False) as draft:
                    if not draft.head.is_ended:
                        draft.finish(ExecutionStatus.STOPPED, error=error)
                self.forget(execution)

    # The life of the engine.

    def restore(self) -> int:
        """Bring back what an earlier process kept; returns how many. Raises StorageError."""
        executions = self._kept.load()
        for execution in executions:
            self.registry.add(execution)
            self.registry.note_callbacks(execution, list(execution.open.values()))
        return len(executions)

    def resume(self) -> int:
        """Go on with what `restore` found; returns how many executions have not ended."""
        executions = self.registry.all()
        for execution in executions:
            with execution.lock:
                self._follow_up(execution)
                if execution.head.owes_letter:
                    self.workers.start(partial(self._send_letter, execution))
            self.chained.resume(execution)
        return sum(not execution.head.is_ended for execution in executions)

    def reset(self) -> None:
        """Forget everything; whoever empties everything clears the documents, too."""
        for execution in self.registry.clear():
            with execution.lock:
                self._let_go(execution)

    def stop(self, grace_s: float) -> int:
        """Invoke nothing any more, let what runs finish; returns how many have not ended."""
        deadline = time.monotonic() + grace_s
        self._stopping.set()
        self.workers.stop(max(0.0, deadline - time.monotonic()))
        executions = self.registry.all()
        for execution in executions:  # and who waits for them goes
            with execution.lock:
                self._wake(execution)
        return sum(not execution.head.is_ended for execution in executions)

    # Under the lock of the execution.

    def _keep(self, draft: Draft, *, must_be_kept: bool = True) -> None:
        execution = draft.execution
        if not draft.has_changes:
            self._follow_up(execution)
            return
        has_ended = draft.head.is_ended and not execution.head.is_ended
        if draft.concerns_function and not execution.is_invoking and not draft.head.is_ended:
            draft.set(owes_invocation=True)
        if has_ended and draft.head.is_async and draft.head.status in _FAILURES:
            draft.set(owes_letter=True)
        self._write(draft, must_be_kept=must_be_kept)
        made = [each for each in draft.operations.values() if each.id not in execution.operations]
        draft.commit()
        self.registry.note_callbacks(execution, made)
        self._start_chained(execution, made)
        if has_ended:
            self._ended(execution)
        self._follow_up(execution)

    def _write(self, draft: Draft, *, must_be_kept: bool) -> None:
        try:
            self._kept.write(draft)
        except StorageError as error:
            if must_be_kept:
                raise
            self._around.reporter.event(
                "durable.not_written", execution=draft.head.name, error=error
            )

    def _start_chained(self, execution: Execution, made: list[Operation]) -> None:
        for operation in made:
            if operation.type is OperationType.CHAINED_INVOKE and operation.is_open:
                self.workers.start(partial(self.chained.run, execution, operation.id))

    def _ended(self, execution: Execution) -> None:
        head = execution.head
        self._wake(execution)
        self._around.reporter.event(
            "durable.ended", function=head.function, execution=head.name, status=head.status.value
        )
        if head.parent_arn is not None:
            self.workers.start(lambda: self.chained.child_ended(execution))
        if head.owes_letter:
            self.workers.start(lambda: self._send_letter(execution))

    def _follow_up(self, execution: Execution) -> None:
        """Start the invocation that is due; set the alarm for what is next."""
        if execution.is_forgotten or self._stopping.is_set():
            return
        if not execution.is_invoking and _wants_invocation(execution, self._clock.now()):
            execution.is_invoking = True
            if not self.workers.start(lambda: self._invoke(execution)):
                execution.is_invoking = False
                later = self._clock.now() + _NO_THREAD_DELAY_S
                execution.head = replace(execution.head, retry_at=later)
        self._set_alarm(execution)

    def _set_alarm(self, execution: Execution) -> None:
        at = execution.next_due_at
        if execution.alarm is not None:
            if execution.alarm_at == at:
                return
            execution.alarm.cancel()
        assert at is not None
        execution.alarm_at = at
        due_s = self._clock.due_at(at)
        execution.alarm = self._around.set_alarm(due_s, lambda: self._ring(execution))

    def _let_go(self, execution: Execution) -> None:
        execution.is_forgotten = True
        execution.token = None
        if execution.alarm is not None:
            execution.alarm.cancel()
        self._wake(execution)

    def _wake(self, execution: Execution) -> None:
        """Let those go on who wait for the end; `settle` waits for them again from here on."""
        for activity in execution.resting:
            self._around.activity.begin(activity)
        execution.resting.clear()
        execution.lock.notify_all()

    # What runners do.

    def _ring(self, execution: Execution) -> None:
        self.workers.start(lambda: self._do_due(execution))

    def _do_due(self, execution: Execution) -> None:
        with execution.lock:
            if execution.is_forgotten:
                return
            execution.alarm = None
            expires_at = execution.head.expires_at
            if expires_at is None or expires_at > self._clock.now():
                draft = Draft(execution, self._clock.now())
                complete_due(draft)
                self._keep(draft, must_be_kept=False)
                return
        self.forget(execution)

    def _invoke(self, execution: Execution) -> None:
        head = execution.head
        try:
            name = f"{head.function}:{head.version}"
            resolved = self._around.functions.resolve(head.account, head.region, name, None)
            event = self._begin(execution)
            if event is None:
                return
            request_id = head.request_id if head.invocations == 0 else new_request_id()
            invocation = Invocation(
                request_id=request_id,
                payload=event,
                invoked_arn=head.invoked_arn,
                trace_header=head.trace_header,
                client_context=head.client_context,
                tenant_id=head.tenant_id,
                source=head.source if head.invocations == 0 else "durable",
                cause=head.cause if head.invocations == 0 else head.request_id,
                attempt=head.failures + 1,
                wants_log=head.wants_log,
            )
            started_at = self._clock.now()
            assert self._run_once is not None
            result = self._run_once(resolved, invocation, started_at)
        except LambdaError as error:
            self._refused(execution, error)
        else:
            self._finished(execution, result, request_id, started_at)
        finally:
            self._free(execution)

    def _begin(self, execution: Execution) -> bytes | None:
        """The event of the invocation that begins; None: it is not wanted any more."""
        with execution.lock:
            if execution.is_forgotten or not _wants_invocation(execution, self._clock.now()):
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
        if self._stopping.is_set() and result.function_error is not None:
            return  # what a stop breaks off is no attempt: the next process tries again
        with execution.lock:
            execution.token = None
            if execution.is_forgotten:
                return
            execution.last_result = result
            draft = Draft(execution, self._clock.now())
            draft.set(retry_at=None)
            judge(draft, result, request_id, started_at)
            self._keep(draft, must_be_kept=False)

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
                delay_s = min(most_s, least_s * 2**head.refusals)
                draft.set(refusals=head.refusals + 1, retry_at=draft.now + delay_s)
            else:  # its caller hears of it, and may come again
                execution.refused = error
            self._keep(draft, must_be_kept=False)
        if execution.refused is not None:
            self.forget(execution)

    def _free(self, execution: Execution) -> None:
        with execution.lock:
            execution.is_invoking = False
            execution.token = None
            self._follow_up(execution)

    def _send_letter(self, execution: Execution) -> None:
        send_dead_letter(self._around, execution)
        with suppress(LambdaError), self.changing(execution, must_be_kept=False) as draft:
            draft.set(owes_letter=False)


_FAILURES: Final = frozenset({ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT})


def not_there() -> LambdaError:
    """The answer for an execution that is not there, or no longer."""
    return LambdaError("ResourceNotFoundException", "Durable Execution does not exist")


def _is_over(execution: Execution) -> bool:
    return execution.head.is_ended or execution.is_forgotten or execution.refused is not None


def _wants_invocation(execution: Execution, now: float) -> bool:
    head = execution.head
    if head.status is not ExecutionStatus.RUNNING:
        return False
    is_late = head.retry_at is None or head.retry_at <= now + 1e-3
    return is_late and (head.owes_invocation or bool(execution.unseen))
