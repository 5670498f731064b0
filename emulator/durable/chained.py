"""Functions that a durable execution invokes: other executions, or one invocation each.

Texts and limits are the service's, as AWS's testing library has them.
"""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from emulator.control.names import target
from emulator.control.violations import invalid
from emulator.durable.checkpoint_rules import PAYLOAD_BYTES
from emulator.durable.envelope import function_failure
from emulator.durable.execution import Execution, ExecutionHead, ExecutionStatus
from emulator.durable.operation import ErrorObject, Operation, OperationStatus
from emulator.durable.start import Start, check_invocable, execution_arn
from emulator.durable.surroundings import Invoke
from emulator.durable.transitions import ChainedTarget
from emulator.durable.update import OperationUpdate
from emulator.invoke import check_tenant, new_request_id
from emulator.invoke.neighbours import Resolver
from emulator.model import Call, Invocation, InvocationResult, LambdaError, parse_function_name

if TYPE_CHECKING:
    from emulator.durable.engine import DurableEngine

SOURCE: Final = "durable"  # of the calls
_STATUS: Final = {
    ExecutionStatus.SUCCEEDED: OperationStatus.SUCCEEDED,
    ExecutionStatus.FAILED: OperationStatus.FAILED,
    ExecutionStatus.TIMED_OUT: OperationStatus.TIMED_OUT,
    ExecutionStatus.STOPPED: OperationStatus.STOPPED,
}


class ChainedInvocations:
    """Starts them, and tells their ends to the operations that wait. Any thread may call."""

    def __init__(self, engine: "DurableEngine", functions: Resolver) -> None:
        self._engine = engine
        self._functions = functions
        self._invoke: Invoke | None = None

    def serve(self, invoke: Invoke) -> None:
        """Have functions that are not durable invoked by `invoke`."""
        self._invoke = invoke

    def find_target(self, head: ExecutionHead, update: OperationUpdate) -> ChainedTarget:
        """What a chained invocation leads to, before anything of it is kept.

        Raises InvalidParameterValueException for a function of another account or region.
        """
        assert update.function_name is not None
        parsed = parse_function_name(update.function_name)
        if parsed is not None and parsed.account not in {None, head.account}:
            raise invalid("Cannot start a CHAINED_INVOKE on a function in another account.")
        if parsed is not None and parsed.region not in {None, head.region}:
            raise invalid("Cannot start a CHAINED_INVOKE on a function in another region.")
        if parsed is None:
            raise invalid(f"Invalid function ARN '{update.function_name}'")
        try:
            resolved = self._functions.look_up(
                head.account, head.region, update.function_name, None
            )
            check_tenant(resolved, update.tenant_id)
            if resolved.version.durable is None:
                return ChainedTarget(version=resolved.version.version)
            check_invocable(resolved, is_sync=False)
        except LambdaError as error:
            return ChainedTarget(error=ErrorObject(message=error.message, type=error.code))
        arn = execution_arn(resolved.version, new_request_id())
        return ChainedTarget(version=resolved.version.version, child_arn=arn)

    def run(self, parent: Execution, operation_id: str) -> None:
        """Run the target of an operation that has started; on a runner."""
        operation = parent.operations[operation_id]
        try:
            if operation.child_arn is not None:
                self._start_child(parent, operation)
                return
            result = self._invoke_once(parent, operation)
        except LambdaError as error:
            why = ErrorObject(message=error.message, type=error.code)
            self._fail(parent, operation_id, why)
        else:
            self._complete_by(parent, operation_id, result)

    def child_ended(self, child: Execution) -> None:
        """Tell the execution that started `child` how it ended."""
        head = child.head
        assert head.parent_arn is not None
        assert head.parent_operation is not None
        parent = self._engine.registry.find(head.parent_arn)
        if parent is None:
            return
        status, error = _STATUS[head.status], head.error
        if status is OperationStatus.TIMED_OUT:
            seconds = head.config.execution_timeout_s
            text = f"CHAINED_INVOKE timed out after {seconds} seconds."
            error = ErrorObject(message=text, type="ChainedInvoke.Timeout")
        self._complete(parent, head.parent_operation, status, head.result, error)

    def resume(self, parent: Execution) -> None:
        """Go on with what an earlier process had started."""
        for operation in list(parent.open.values()):
            if operation.function_name is None:
                continue
            child = self._engine.registry.find(operation.child_arn or "")
            if child is None:
                self._engine.workers.start(partial(self.run, parent, operation.id))
            elif child.head.is_ended:
                self._engine.workers.start(partial(self.child_ended, child))

    def _start_child(self, parent: Execution, operation: Operation) -> None:
        assert operation.function_name is not None
        head = parent.head
        resolved = self._functions.resolve(head.account, head.region, operation.function_name, None)
        if resolved.version.durable is None:
            raise invalid("The function is no longer durable.")
        invocation = Invocation(
            request_id=new_request_id(),
            payload=(operation.input or "{}").encode(),
            invoked_arn=resolved.invoked_arn,
            trace_header=operation.trace_header or head.trace_header,
            tenant_id=operation.tenant_id,
            source=SOURCE,
            cause=head.request_id,
        )
        self._engine.start(
            Start(
                resolved=resolved,
                invocation=invocation,
                arn=operation.child_arn,
                parent_arn=head.arn,
                parent_operation=operation.id,
            )
        )

    def _invoke_once(self, parent: Execution, operation: Operation) -> InvocationResult:
        assert operation.function_name is not None
        assert self._invoke is not None
        head = parent.head
        where = target(head.account, head.region, operation.function_name)
        result, _ = self._invoke(
            Call(
                account=head.account,
                region=head.region,
                function=where.arn,
                payload=(operation.input or "{}").encode(),
                trace_header=operation.trace_header or head.trace_header,
                tenant_id=operation.tenant_id,
                source=SOURCE,
                cause=head.request_id,
            )
        )
        return result

    def _complete_by(self, parent: Execution, id_: str, result: InvocationResult) -> None:
        if result.function_error is not None:
            self._fail(parent, id_, function_failure(result.payload))
        elif len(result.payload) > PAYLOAD_BYTES:
            text = (
                "CHAINED_INVOKE output payload size must be less than or equal to"
                f" {PAYLOAD_BYTES} bytes."
            )
            self._complete(parent, id_, OperationStatus.FAILED, error=ErrorObject(message=text))
        else:
            text = result.payload.decode(errors="replace")
            self._complete(parent, id_, OperationStatus.SUCCEEDED, result=text)

    def _fail(self, parent: Execution, id_: str, error: ErrorObject) -> None:
        if not self._engine.stopping.is_set():  # what a stop breaks off is done again: see `resume`
            self._complete(parent, id_, OperationStatus.FAILED, error=error)

    def _complete(
        self,
        parent: Execution,
        id_: str,
        status: OperationStatus,
        result: str | None = None,
        error: ErrorObject | None = None,
    ) -> None:
        with (
            suppress(LambdaError),  # the parent is gone
            self._engine.changing(parent, must_be_kept=False) as draft,
        ):
            operation = draft.find(id_)
            if operation is not None and operation.waits and not draft.head.is_ended:
                draft.end(operation, status, result=result, error=error)
