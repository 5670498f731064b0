"""What an execution owes its function, in moments that no caller can bring about."""

import threading
from typing import Any

import pytest
from typing_extensions import override

from emulator.durable.draft import Draft
from emulator.durable.engine import DurableEngine
from emulator.durable.execution import Execution
from emulator.durable.outcome import judge
from emulator.durable.requests import end_callback
from emulator.durable.surroundings import Surroundings
from emulator.durable.transitions import ChainedTarget, apply
from emulator.durable.update import update_of
from emulator.model import Call, Clock, InvocationResult, LambdaError, Status
from emulator.model.invocation import InvocationLog
from emulator.observe import Activity
from emulator.storage import Documents, StorageError
from tests.durable.test_kept_executions import UPDATES, beginning, begun


def result(payload: bytes, function_error: str | None = None) -> InvocationResult:
    return InvocationResult(
        payload=payload,
        status=Status.ERROR if function_error else Status.SUCCESS,
        function_error=function_error,
        error_type=None,
        executed_version="$LATEST",
        log=InvocationLog(),
        duration_ms=1.0,
        billed_ms=1,
        init_ms=None,
        max_memory_mib=None,
        environment_id="e",
    )


def engine_with(documents: Documents) -> DurableEngine:
    unused: Any = None
    return DurableEngine(
        Surroundings(
            functions=unused,
            documents=documents,
            destinations=unused,
            set_alarm=lambda _, __: threading.Timer(0.0, print),  # which nobody starts
            activity=Activity(Clock()),
            metrics=unused,
            reporter=unused,
            clock=Clock(),
        )
    )


@pytest.fixture
def engine() -> DurableEngine:
    return engine_with(Documents())


def invoking(engine: DurableEngine) -> Execution:
    """An execution, of which an invocation runs, with one operation of each type."""
    execution = begun(Clock().now())
    engine.registry.add(execution)
    execution.is_invoking = True
    draft = Draft(execution, Clock().now())
    draft.begin("{}")
    for update in UPDATES:
        apply(draft, update_of(update), lambda _: ChainedTarget(version="1"))
    draft.commit()
    execution.unseen.clear()  # the answer of its checkpoint told it
    engine.registry.note_callbacks(execution, list(execution.open.values()))
    return execution


def test_what_moves_on_when_an_invocation_is_just_judged_is_kept_as_owed(
    engine: DurableEngine,
) -> None:
    execution = invoking(engine)
    draft = Draft(execution, Clock().now())
    judge(draft, result(b'{"Status": "PENDING"}'), "r", 0.0)
    engine.keep(draft)
    assert not execution.head.owes_invocation
    callback_id = execution.operations["cb"].callback_id
    assert callback_id is not None
    end_callback(engine, callback_id, "yes", None)
    assert execution.head.owes_invocation


def refuses(_: Call) -> tuple[InvocationResult, str]:
    raise LambdaError("ServiceException", "The emulator stops.")


def breaks_off(_: Call) -> tuple[InvocationResult, str]:
    return result(b'{"errorMessage": "exit"}', "Unhandled"), "r"


def answers(_: Call) -> tuple[InvocationResult, str]:
    return result(b"1"), "r"


@pytest.mark.parametrize(
    ("invoke", "stops", "status"),
    [
        (refuses, True, "STARTED"),
        (breaks_off, True, "STARTED"),
        (answers, True, "SUCCEEDED"),
        (refuses, False, "FAILED"),
        (breaks_off, False, "FAILED"),
    ],
)
def test_what_a_stop_breaks_off_is_invoked_by_the_next_process(
    engine: DurableEngine, invoke: Any, stops: bool, status: str
) -> None:
    engine.chained.serve(invoke)
    execution = invoking(engine)
    if stops:
        engine.stopping.set()
    engine.chained.run(execution, "i")
    assert execution.operations["i"].status == status


class Full(Documents):
    """A disk without room."""

    are_kept = True

    @override
    def change(self, puts: Any = (), deletes: Any = ()) -> None:
        raise StorageError("No space left on device")


def test_what_cannot_be_kept_is_refused_and_leaves_its_name_free() -> None:
    engine = engine_with(Full())
    for _ in range(2):
        with pytest.raises(LambdaError, match="No space left") as refused:
            engine.start(beginning(name="n"))
        assert refused.value.code == "ServiceException"
    assert engine.registry.all() == []
