"""Durable executions: started, invoked again whenever something moved on, ended, forgotten."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from emulator.durable.chained import ChainedInvocations
from emulator.durable.dead_letter import send_dead_letter
from emulator.durable.draft import Draft
from emulator.durable.execution import Execution, ExecutionStatus
from emulator.durable.invocations import Invocations, wants_invocation
from emulator.durable.kept_executions import KeptExecutions
from emulator.durable.operation import ErrorObject, Operation, OperationType
from emulator.durable.registry import Registry
from emulator.durable.start import Start, check_invocable, check_same, new_execution, result_of
from emulator.durable.surroundings import Invoke, RunOnce, Surroundings
from emulator.durable.transitions import complete_due
from emulator.durable.workers import Workers
from emulator.model import (
    Call,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
)
from emulator.storage import StorageError


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
        self.invocations = Invocations(self, around)
        self.workers = Workers(around)
        self.stopping = threading.Event()

    def serve(self, run_once: RunOnce, invoke: Invoke) -> None:
        """Have functions run by `run_once`, and other functions invoked by `invoke`."""
        self.invocations.serve(run_once)
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

        Raises LambdaError: DurableExecutionAlreadyStartedException for another payload,
        ServiceException where it cannot be kept.
        """
        if self.stopping.is_set():
            raise LambdaError("ServiceException", "The emulator stops.")
        execution = new_execution(start, self._clock.now())
        with execution.lock:
            while (there := self.registry.add(execution)) is not execution:
                if check_same(there, start):
                    return there
            draft = Draft(execution, execution.head.started_at)
            draft.begin(start.invocation.payload.decode())
            try:
                self.keep(draft)
            except BaseException as error:
                execution.is_forgotten = True
                self.registry.remove(execution)
                if not isinstance(error, StorageError):
                    raise
                message = f"The emulator's machine refuses: {error}"
                raise LambdaError("ServiceException", message) from error
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
            if execution.head.request_id != invocation.request_id:
                execution.waiters += 1  # else it was started for this one
            self._wait(execution, call.activity)
            if execution.refused is not None:
                raise execution.refused
            if execution.head.is_ended:
                return result_of(execution)
        raise LambdaError("ServiceException", "The execution is no longer there, or goes on later.")

    def _wait(self, execution: Execution, activity: str | None) -> None:
        """Wait under the lock until it is over; the caller's own activity rests meanwhile."""
        if activity is not None and not _is_over(execution):
            execution.resting.append(activity)
            self._around.activity.end(activity)
        execution.lock.wait_for(lambda: _is_over(execution) or self.stopping.is_set())
        execution.waiters -= 1

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
            self.keep(draft, must_be_kept=must_be_kept)

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
                self.follow_up(execution)
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
        self.stopping.set()
        self.workers.stop(max(0.0, deadline - time.monotonic()))
        executions = self.registry.all()
        for execution in executions:  # and who waits for them goes
            with execution.lock:
                self._wake(execution)
        return sum(not execution.head.is_ended for execution in executions)

    # Under the lock of the execution.

    def keep(self, draft: Draft, *, must_be_kept: bool = True) -> None:
        """Write a change, take it over, and set going what follows from it."""
        execution = draft.execution
        if not draft.has_changes:
            self.follow_up(execution)
            return
        has_ended = draft.head.is_ended and not execution.head.is_ended
        if draft.concerns_function and not draft.head.is_ended:
            # Also while one runs: it may have been judged, and what moved on since then is news.
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
        self.follow_up(execution)

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

    def follow_up(self, execution: Execution) -> None:
        """Start the invocation that is due; set the alarm for what is next."""
        if execution.is_forgotten or self.stopping.is_set():
            return
        if not execution.is_invoking and wants_invocation(execution, self._clock.now()):
            execution.is_invoking = True
            self.workers.start(lambda: self.invocations.run(execution))
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
                self.keep(draft, must_be_kept=False)
                return
        self.forget(execution)

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
