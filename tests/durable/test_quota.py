from typing import Any

import pytest

from emulator.durable.engine import DurableEngine
from emulator.durable.operation import ErrorObject
from emulator.durable.outcome import judge
from emulator.durable.quota import OPERATIONS, WRITTEN_BYTES, Use, use_of
from emulator.durable.requests import checkpoint, end_callback
from emulator.durable.update import update_of
from emulator.model import LambdaError
from emulator.storage import Documents
from tests.durable.test_checkpoint_rules import operation, update
from tests.durable.test_engine import engine_with, invoking, result


@pytest.fixture
def engine() -> DurableEngine:
    return engine_with(Documents())


@pytest.mark.parametrize(
    ("updates", "operations", "written_bytes"),
    [
        ([], 0, 0),
        ([update("STEP", "START", "2"), update("STEP", "SUCCEED", "2", payload="é1")], 1, 3),
        ([update("STEP", "SUCCEED", payload="12")], 0, 2),  # it was counted when it began
        ([update("STEP", "RETRY", payload="12", next_attempt_s=1)], 1, 2),
        ([update("STEP", "FAIL", error=ErrorObject(message="12", stack_trace=("345",)))], 0, 5),
        ([update("CONTEXT", "START", "2"), update("WAIT", "START", "3")], 2, 0),
        ([update("EXECUTION", "SUCCEED", "x", payload="1")], 0, 1),
    ],
)
def test_operations_their_retries_and_what_is_written_count(
    updates: Any, operations: int, written_bytes: int
) -> None:
    known = {"1": operation("STEP", "STARTED")}
    assert use_of(updates, known.get) == Use(operations=operations, written_bytes=written_bytes)


def start(id_: str) -> dict[str, Any]:
    return {"Id": id_, "Type": "STEP", "Action": "START"}


def end(id_: str, payload: str = "1") -> dict[str, Any]:
    return {"Id": id_, "Type": "STEP", "Action": "SUCCEED", "Payload": payload}


def test_an_execution_has_as_many_operations_as_in_aws(engine: DurableEngine) -> None:
    execution = invoking(engine)
    left = OPERATIONS - execution.head.used.operations
    execution.token = "t"
    checkpoint(engine, execution, "t", [update_of(start(f"n{n}")) for n in range(left)], None)
    assert execution.token is not None
    with pytest.raises(LambdaError) as refused:
        checkpoint(engine, execution, execution.token, [update_of(start("one"))], None)
    assert refused.value.code == "InvalidParameterValueException"
    assert "one" not in execution.operations
    checkpoint(engine, execution, execution.token, [update_of(end("n0"))], None)
    assert execution.operations["n0"].status == "SUCCEEDED"


def test_an_execution_writes_as_much_as_in_aws(engine: DurableEngine) -> None:
    execution = invoking(engine)
    execution.token = "t"
    updates = [start("a"), start("b"), end("a", "x" * 1_048_576)]
    checkpoint(engine, execution, "t", map(update_of, updates), None)
    assert execution.head.used.written_bytes > 1_048_576
    left = WRITTEN_BYTES - execution.head.used.written_bytes
    with engine.changing(execution) as draft:
        draft.use(Use(written_bytes=left - 1))
    assert execution.token is not None
    with pytest.raises(LambdaError) as refused:
        checkpoint(engine, execution, execution.token, [update_of(end("b", "xx"))], None)
    assert refused.value.code == "InvalidParameterValueException"
    checkpoint(engine, execution, execution.token, [update_of(end("b", "x"))], None)
    assert execution.head.used.written_bytes == WRITTEN_BYTES


def test_callbacks_and_invocations_that_are_tried_again_count(engine: DurableEngine) -> None:
    execution = invoking(engine)
    before = execution.head.used
    callback_id = execution.operations["cb"].callback_id
    assert callback_id is not None
    end_callback(engine, callback_id, "12345", None)
    with engine.changing(execution) as draft:
        judge(draft, result(b'{"errorMessage": "exit"}', "Unhandled"), "r", 0.0)
    assert execution.head.used == before + Use(operations=1, written_bytes=5 + 4)
