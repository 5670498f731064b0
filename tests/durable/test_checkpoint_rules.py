from typing import Any

import pytest

from emulator.durable.checkpoint_rules import check_updates
from emulator.durable.operation import ErrorObject, Operation, OperationStatus, OperationType
from emulator.durable.update import Action, OperationUpdate
from emulator.model import LambdaError


def update(kind: str, action: str, id_: str = "1", **members: Any) -> OperationUpdate:
    if kind == "CHAINED_INVOKE":
        members.setdefault("function_name", "f")
    return OperationUpdate(id=id_, type=OperationType(kind), action=Action(action), **members)


def operation(kind: str, status: str, id_: str = "1", **members: Any) -> Operation:
    return Operation(
        id=id_,
        number=1,
        type=OperationType(kind),
        status=OperationStatus(status),
        started_at=0.0,
        **members,
    )


def check(
    updates: list[OperationUpdate], *known: Operation, may_be_large: bool = False
) -> str | None:
    """The text of the refusal; None: they may be made."""
    operations = {each.id: each for each in known}
    try:
        check_updates(updates, operations.get, may_be_large=may_be_large)
    except LambdaError as error:
        return error.message if error.code == "InvalidParameterValueException" else error.code
    return None


MIB = "x" * (1_048_576 + 1)
ALLOWED: list[tuple[list[OperationUpdate], list[Operation]]] = [
    ([], []),
    ([update("STEP", "START"), update("STEP", "SUCCEED")], []),
    ([update("STEP", "SUCCEED", payload="1")], []),
    ([update("STEP", "START")], [operation("STEP", "READY")]),
    ([update("STEP", "RETRY", next_attempt_s=1)], [operation("STEP", "STARTED")]),
    ([update("CONTEXT", "START"), update("STEP", "START", "2", parent_id="1")], []),
    ([update("STEP", "START", "2", parent_id="1")], [operation("CONTEXT", "STARTED")]),
    ([update("WAIT", "CANCEL")], [operation("WAIT", "STARTED")]),
    ([update("STEP", "START"), update("EXECUTION", "SUCCEED", "2")], []),
]


@pytest.mark.parametrize(("updates", "known"), ALLOWED)
def test_updates_that_follow_from_the_state_may_be_made(
    updates: list[OperationUpdate], known: list[Operation]
) -> None:
    assert check(updates, *known) is None


REFUSED: list[tuple[list[OperationUpdate], list[Operation], str]] = [
    (
        [update("EXECUTION", "SUCCEED"), update("EXECUTION", "FAIL", "2")],
        [],
        "Cannot checkpoint multiple EXECUTION updates.",
    ),
    (
        [update("EXECUTION", "SUCCEED"), update("STEP", "START", "2")],
        [],
        "EXECUTION checkpoint must be the last update.",
    ),
    (
        [update("STEP", "START"), update("STEP", "START")],
        [],
        "Cannot checkpoint multiple operations with the same ID.",
    ),
    (
        [update("WAIT", "START", wait_s=1), update("WAIT", "CANCEL")],
        [],
        "Cannot checkpoint multiple operations with the same ID.",
    ),
    ([update("STEP", "START", parent_id="9")], [], "Invalid parent operation id."),
    (
        [update("STEP", "START", "2", parent_id="1")],
        [operation("STEP", "STARTED")],
        "Invalid parent operation id.",
    ),
    ([update("WAIT", "SUCCEED")], [], "Invalid action for the given operation type."),
    ([update("CALLBACK", "FAIL")], [], "Invalid action for the given operation type."),
    (
        [update("STEP", "SUCCEED")],
        [operation("WAIT", "STARTED")],
        "Inconsistent operation type.",
    ),
    (
        [update("STEP", "SUCCEED", name="b")],
        [operation("STEP", "STARTED", name="a")],
        "Inconsistent operation name.",
    ),
    ([update("STEP", "FAIL", payload="1")], [], "Cannot provide a Payload for FAIL action."),
    (
        [update("CONTEXT", "SUCCEED", error=ErrorObject())],
        [],
        "Cannot provide an Error for SUCCEED action.",
    ),
    ([update("STEP", "RETRY")], [], "Invalid StepOptions for the given action."),
    (
        [update("STEP", "RETRY", next_attempt_s=1, payload="1", error=ErrorObject())],
        [],
        "Cannot provide both error and payload to RETRY a STEP.",
    ),
    (
        [update("CHAINED_INVOKE", "START", function_name=None)],
        [],
        "Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.",
    ),
    (
        [update("STEP", "START")],
        [operation("STEP", "STARTED")],
        "Invalid current STEP state to start.",
    ),
    (
        [update("STEP", "SUCCEED")],
        [operation("STEP", "SUCCEEDED")],
        "Invalid current STEP state to close.",
    ),
    (
        [update("STEP", "RETRY", next_attempt_s=1)],
        [operation("STEP", "PENDING")],
        "Invalid current STEP state to re-attempt.",
    ),
    (
        [update("CONTEXT", "FAIL")],
        [operation("CONTEXT", "FAILED")],
        "Invalid current CONTEXT state to close.",
    ),
    (
        [update("WAIT", "START", wait_s=1)],
        [operation("WAIT", "STARTED")],
        "Cannot start a WAIT that already exist.",
    ),
    (
        [update("CHAINED_INVOKE", "START")],
        [operation("CHAINED_INVOKE", "STARTED")],
        "Cannot start a CHAINED_INVOKE operation that already exists.",
    ),
    (
        [update("WAIT", "CANCEL")],
        [],
        "Cannot cancel a WAIT that does not exist or has already completed.",
    ),
    (
        [update("STEP", "SUCCEED", payload=MIB)],
        [],
        "STEP output payload size must be less than or equal to 1048576 bytes.",
    ),
    (
        [update("CHAINED_INVOKE", "START", payload=MIB)],
        [],
        "CHAINED_INVOKE input payload size must be less than or equal to 1048576 bytes.",
    ),
    (
        [update("STEP", "FAIL", error=ErrorObject(data=MIB))],
        [],
        "Error object size must be less than 1048576 bytes.",
    ),
]


@pytest.mark.parametrize(("updates", "known", "text"), REFUSED, ids=lambda each: str(each)[:40])
def test_other_updates_are_refused(
    updates: list[OperationUpdate], known: list[Operation], text: str
) -> None:
    assert check(updates, *known) == text


def test_only_the_result_of_a_caller_that_waits_may_be_large() -> None:
    large = [update("EXECUTION", "SUCCEED", payload=MIB)]
    assert check(large, may_be_large=True) is None
    assert str(check(large)).startswith("EXECUTION output payload size")
