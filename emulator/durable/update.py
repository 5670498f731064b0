"""What a function reports of one operation in a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emulator.durable.operation import ErrorObject, OperationType, error_of


class Action(StrEnum):
    """What is to become of the operation."""

    START = "START"
    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    RETRY = "RETRY"
    CANCEL = "CANCEL"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationUpdate:
    """One of the `Updates` of CheckpointDurableExecution; None: the function did not say."""

    id: str
    type: OperationType
    action: Action
    parent_id: str | None = None
    name: str | None = None
    sub_type: str | None = None
    payload: str | None = None
    error: ErrorObject | None = None
    replay_children: bool = False
    next_attempt_s: int | None = None
    wait_s: int | None = None
    timeout_s: int = 0  # of a callback; 0: it waits for ever
    heartbeat_s: int = 0  # 0: nobody need say that he is alive
    function_name: str | None = None  # of a chained invocation
    tenant_id: str | None = None
    trace_header: str | None = None


def update_of(members: Mapping[str, Any]) -> OperationUpdate:
    """An update from its members in a request."""
    chained = members.get("ChainedInvokeOptions", {})
    callback = members.get("CallbackOptions", {})
    return OperationUpdate(
        id=members["Id"],
        type=OperationType(members["Type"]),
        action=Action(members["Action"]),
        parent_id=members.get("ParentId"),
        name=members.get("Name"),
        sub_type=members.get("SubType"),
        payload=members.get("Payload"),
        error=error_of(members.get("Error")),
        replay_children=members.get("ContextOptions", {}).get("ReplayChildren", False),
        next_attempt_s=members.get("StepOptions", {}).get("NextAttemptDelaySeconds"),
        wait_s=members.get("WaitOptions", {}).get("WaitSeconds"),
        timeout_s=callback.get("TimeoutSeconds", 0),
        heartbeat_s=callback.get("HeartbeatTimeoutSeconds", 0),
        function_name=chained.get("FunctionName"),
        tenant_id=chained.get("TenantId"),
        trace_header=chained.get("XAmznTraceId"),
    )
