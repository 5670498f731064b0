"""The beginning of an execution, and what its caller gets in the end."""

from dataclasses import dataclass, replace

from emulator.control.violations import invalid
from emulator.durable.envelope import failure_payload
from emulator.durable.execution import Execution, ExecutionHead, ExecutionStatus
from emulator.durable.operation import ErrorObject
from emulator.invoke import new_request_id
from emulator.model import (
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
    Status,
)
from emulator.model.durable import SYNC_EXECUTION_S
from emulator.model.invocation import InvocationLog


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """An invocation of a durable function."""

    resolved: ResolvedFunction
    invocation: Invocation
    name: str | None = None  # None: one is made
    is_async: bool = False
    arn: str | None = None  # None: one is made
    parent_arn: str | None = None
    parent_operation: str | None = None


def check_invocable(resolved: ResolvedFunction, name: str | None = None, *, is_sync: bool) -> None:
    """Raise InvalidParameterValueException where AWS starts no execution, or none of a name."""
    version = resolved.version
    if version.durable is None:
        if name is not None:
            raise invalid("DurableExecutionName is allowed for durable functions only.")
        return
    if resolved.invoked_arn == version.arn:
        raise invalid("You cannot invoke a durable function using an unqualified ARN.")
    if is_sync and version.durable.execution_timeout_s > SYNC_EXECUTION_S:
        raise invalid(
            "You cannot synchronously invoke a durable function with an executionTimeout greater"
            " than 15 minutes."
        )


def execution_arn(version: FunctionVersion, name: str) -> str:
    """The ARN of a new execution."""
    return f"{version.qualified_arn}/durable-execution/{name}/{new_request_id()}"


def new_execution(start: Start, now: float) -> Execution:
    """An execution that has not begun."""
    version, invocation = start.resolved.version, start.invocation
    assert version.durable is not None
    name = start.name or new_request_id()
    arn = start.arn or execution_arn(version, name)
    _, name, id_ = arn.rsplit("/", 2)
    is_waited_for = not start.is_async and start.parent_arn is None
    return Execution(
        waiters=int(is_waited_for),
        head=ExecutionHead(
            arn=arn,
            id=id_,
            name=name,
            account=version.account,
            region=version.region,
            function=version.name,
            version=version.version,
            invoked_arn=start.resolved.invoked_arn,
            config=version.durable,
            started_at=now,
            deadline_at=now + version.durable.execution_timeout_s,
            trace_header=invocation.trace_header,
            request_id=invocation.request_id,
            source=invocation.source,
            cause=invocation.cause,
            client_context=invocation.client_context,
            tenant_id=invocation.tenant_id,
            wants_log=invocation.wants_log,
            is_async=start.is_async,
            parent_arn=start.parent_arn,
            parent_operation=start.parent_operation,
        ),
    )


def check_same(there: Execution, start: Start) -> bool:
    """Whether an execution of that name is the one to be started; False: it is just going.

    Raises DurableExecutionAlreadyStartedException where it began with another payload.
    """
    with there.lock:  # its beginning is written under the lock
        if there.is_forgotten:
            return False
        if there.operations[there.head.id].input != start.invocation.payload.decode():
            raise LambdaError(
                "DurableExecutionAlreadyStartedException",
                f"Execution already started with a different payload: {there.head.arn}",
            )
    return True


_EMPTY = InvocationResult(  # of an execution of which no invocation ended in this process
    payload=b"null",
    status=Status.SUCCESS,
    function_error=None,
    error_type=None,
    executed_version="",
    log=InvocationLog(),
    duration_ms=0.0,
    billed_ms=0,
    init_ms=None,
    max_memory_mib=None,
    environment_id="",
)


def result_of(execution: Execution) -> InvocationResult:
    """What a caller who waited gets of an execution that has ended."""
    head = execution.head
    result = replace(
        execution.last_result or _EMPTY,
        executed_version=head.version,
        durable_execution_arn=head.arn,
    )
    if head.status is ExecutionStatus.SUCCEEDED:
        text = "null" if head.result is None else head.result
        return replace(
            result,
            payload=text.encode(),
            status=Status.SUCCESS,
            function_error=None,
            error_type=None,
        )
    error = head.error or ErrorObject()
    return replace(
        result,
        payload=failure_payload(error),
        status=Status.ERROR,
        function_error="Unhandled",
        error_type=error.type,
    )
