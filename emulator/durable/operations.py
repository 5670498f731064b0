"""The operations of the Lambda API on durable executions."""

from datetime import datetime
from typing import Any, Final

from emulator.control import (
    FunctionStore,
    Request,
    RequestContext,
    Response,
    Target,
)
from emulator.control.durable_config import durable_config_answer
from emulator.control.paging import page
from emulator.control.request import addressed
from emulator.control.violations import invalid
from emulator.durable import requests
from emulator.durable.engine import DurableEngine, not_there
from emulator.durable.execution import Execution, ExecutionHead
from emulator.durable.history import event_answer
from emulator.durable.operation import error_answer, error_of
from emulator.durable.update import update_of

PAGE: Final = 100
LARGEST_PAGE: Final = 1_000


class DurableOperations:
    """Operations on durable executions. Any thread may call."""

    def __init__(self, engine: DurableEngine, store: FunctionStore) -> None:
        self._engine = engine
        self._store = store

    def checkpoint_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """Keep what an invocation did; the answer brings what moved on meanwhile."""
        return requests.checkpoint(
            self._engine,
            self._found(context, request, "CheckpointDurableExecution"),
            request["CheckpointToken"],
            map(update_of, request.get("Updates", [])),
            request.get("ClientToken"),
        )

    def get_durable_execution_state(self, context: RequestContext, request: Request) -> Response:
        """One page of the operations that an invocation has to know."""
        return requests.state(
            self._found(context, request, "GetDurableExecutionState"),
            request["CheckpointToken"],
            request.get("Marker"),
            request.get("MaxItems"),
        )

    def get_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """How an execution stands, and how it ended."""
        execution = self._found(context, request, "GetDurableExecution")
        with_data = request.get("IncludeExecutionData", True)
        with execution.lock:
            payload = execution.operations[execution.head.id].input
            return _execution_answer(execution.head, payload, with_data=with_data)

    def get_durable_execution_history(self, context: RequestContext, request: Request) -> Response:
        """One page of events, the oldest first unless the request wants it the other way."""
        execution = self._found(context, request, "GetDurableExecutionHistory")
        with execution.lock:
            events = list(execution.events)
        backwards = request.get("ReverseOrder", False)
        shown, marker = page(
            _with_page_size(request),
            reversed(events) if backwards else events,
            lambda event: f"{event.number:08}",
            LARGEST_PAGE,
            descends=backwards,
        )
        with_data = request.get("IncludeExecutionData", False)
        return {"Events": [event_answer(each, with_data=with_data) for each in shown], **marker}

    def list_durable_executions_by_function(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of a function's executions, the newest first unless wanted the other way."""
        where = addressed(self._store, context, request, "ListDurableExecutionsByFunction")
        shown_version = self._store.get(where).version
        version = None if where.qualifier is None else shown_version.version
        found = self._engine.registry.of_function(where.account, where.region, where.name)
        heads = [each.head for each in found if _is_wanted(each.head, version, request)]
        forwards = request.get("ReverseOrder", False)  # sic: the API's own order is backwards
        heads.sort(key=_list_key, reverse=not forwards)
        shown, marker = page(
            _with_page_size(request), heads, _list_key, LARGEST_PAGE, descends=not forwards
        )
        return {"DurableExecutions": [_summary(each) for each in shown], **marker}

    def stop_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """End an execution for good."""
        execution = self._found(context, request, "StopDurableExecution")
        error = error_of(request.get("Error"))
        return {"StopTimestamp": requests.stop(self._engine, execution, error)}

    def delete_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """Forget an execution that has ended."""
        execution = self._found(context, request, "DeleteDurableExecution")
        return {"DeletionRequestTimestamp": requests.delete(self._engine, execution)}

    def pause_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """Invoke nothing of an execution until it is resumed."""
        requests.pause(
            self._engine,
            self._found(context, request, "PauseDurableExecution"),
            reason=request.get("Reason"),
            stops_timeout=request.get("ExecutionTimeoutPaused", True),
            client_token=request.get("ClientToken"),
        )
        return {}

    def resume_durable_execution(self, context: RequestContext, request: Request) -> Response:
        """Go on with a paused execution."""
        requests.resume(
            self._engine,
            self._found(context, request, "ResumeDurableExecution"),
            reason=request.get("Reason"),
            client_token=request.get("ClientToken"),
        )
        return {}

    def send_durable_execution_callback_success(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Answer a callback with a result."""
        self._check_callback(context, request, "SendDurableExecutionCallbackSuccess")
        result = request.get("Result") or None
        requests.end_callback(
            self._engine, request["CallbackId"], None if result is None else _text(result), None
        )
        return {}

    def send_durable_execution_callback_failure(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Answer a callback with an error."""
        self._check_callback(context, request, "SendDurableExecutionCallbackFailure")
        error = error_of(request.get("Error", {}))
        requests.end_callback(self._engine, request["CallbackId"], None, error)
        return {}

    def send_durable_execution_callback_heartbeat(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Say that somebody still works on a callback."""
        self._check_callback(context, request, "SendDurableExecutionCallbackHeartbeat")
        requests.beat_callback(self._engine, request["CallbackId"])
        return {}

    def _found(self, context: RequestContext, request: Request, action: str) -> Execution:
        execution = self._engine.registry.find(request["DurableExecutionArn"])
        if execution is None or execution.head.region != context.region:
            raise not_there()
        self._check_access(context, execution.head, action)
        return execution

    def _check_callback(self, context: RequestContext, request: Request, action: str) -> None:
        execution, _ = requests.find_callback(self._engine, request["CallbackId"])
        self._check_access(context, execution.head, action)

    def _check_access(self, context: RequestContext, head: ExecutionHead, action: str) -> None:
        where = Target(head.account, head.region, head.function, head.version)
        self._store.check_access(context.account, where, f"lambda:{action}")


def _execution_answer(
    head: ExecutionHead, payload: str | None, *, with_data: bool
) -> dict[str, Any]:
    answer = {
        "DurableExecutionArn": head.arn,
        "DurableExecutionName": head.name,
        "FunctionArn": _function_arn(head),
        "StartTimestamp": head.started_at,
        "Status": head.status.value,
        "EndTimestamp": head.ended_at,
        "Version": head.version,
        "TraceHeader": {"XAmznTraceId": head.trace_header},
        "ExecutionDataIncluded": with_data,
        "DurableConfig": durable_config_answer(head.config),
        "PauseDetails": _pause_answer(head, with_data),
        "ExpectedExecutionTimeoutTimestamp": None if head.is_ended else head.deadline_at,
    }
    if with_data:
        error = None if head.error is None else error_answer(head.error)
        answer |= {"InputPayload": payload, "Result": head.result, "Error": error}
    return {name: value for name, value in answer.items() if value is not None}


def _pause_answer(head: ExecutionHead, with_data: bool) -> dict[str, Any] | None:
    if head.pause is None:
        return None
    answer: dict[str, Any] = {
        "PauseRequestTimestamp": head.pause.requested_at,
        "ExecutionTimeoutPaused": head.pause.stops_timeout,
    }
    if with_data and head.pause.reason is not None:
        answer["Reason"] = head.pause.reason
    return answer


def _summary(head: ExecutionHead) -> dict[str, Any]:
    answer = {
        "DurableExecutionArn": head.arn,
        "DurableExecutionName": head.name,
        "FunctionArn": _function_arn(head),
        "Status": head.status.value,
        "StartTimestamp": head.started_at,
        "EndTimestamp": head.ended_at,
        "KMSKeyArn": head.config.kms_key_arn or None,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _function_arn(head: ExecutionHead) -> str:
    return head.arn.partition("/")[0]


def _is_wanted(head: ExecutionHead, version: str | None, request: Request) -> bool:
    name, statuses = request.get("DurableExecutionName"), request.get("Statuses")
    after: datetime | None = request.get("StartedAfter")
    before: datetime | None = request.get("StartedBefore")
    return (
        version in {None, head.version}
        and name in {None, head.name}
        and (statuses is None or head.status.value in statuses)
        and (after is None or head.started_at > after.timestamp())
        and (before is None or head.started_at < before.timestamp())
    )


def _with_page_size(request: Request) -> dict[str, Any]:
    return {**request, "MaxItems": request.get("MaxItems") or PAGE}


def _list_key(head: ExecutionHead) -> str:
    return f"{int(head.started_at * 1_000_000):020} {head.id}"


def _text(result: bytes) -> str:
    try:
        return result.decode()
    except UnicodeDecodeError:
        raise invalid("The result of a callback must be text in UTF-8.") from None
