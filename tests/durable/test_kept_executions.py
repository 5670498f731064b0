"""Executions and `--data-dir`, resets, and the deletion of their function."""

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from emulator.durable.draft import Draft
from emulator.durable.execution import Execution
from emulator.durable.kept_executions import KeptExecutions
from emulator.durable.operation import ErrorObject, OperationStatus
from emulator.durable.start import Start, new_execution
from emulator.durable.transitions import ChainedTarget, apply
from emulator.durable.update import update_of
from emulator.model import (
    CodePackage,
    DurableConfig,
    FunctionVersion,
    Invocation,
    ResolvedFunction,
)
from emulator.storage import Documents
from tests.durable.conftest import Durable, project_of
from tests.running_emulator import RunningEmulator, started_emulator

# The connections of a killed emulator: urllib3 leaves them to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Run = Callable[[], AbstractContextManager[RunningEmulator]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Start an emulator that may be killed."""
    folder = project_of(tmp_path / "project", ("steps", "sleeper", "asks", "calls", "works_long"))
    data = str(tmp_path / "data")
    return partial(started_emulator, folder.path, "--no-watch", "--data-dir", data)


def kill(emulator: RunningEmulator) -> None:
    emulator.process.send_signal(signal.SIGKILL)
    emulator.process.wait()


def test_executions_go_on_after_a_kill(run: Run) -> None:
    with run() as emulator:
        before = Durable(emulator)
        ended = before.run("steps", {"n": 1})["DurableExecutionArn"]
        sleeping = before.start("sleeper", {"seconds": 1}, DurableExecutionName="sleeping")
        asking = before.start("asks")
        callback = before.callback(asking)
        calling = before.start("calls", {"function": "asks:$LATEST"})
        emulator.settle()
        (started,) = [
            e for e in before.history(calling) if e["EventType"] == "ChainedInvokeStarted"
        ]
        child = started["ChainedInvokeStartedDetails"]["DurableExecutionArn"]
        childs_callback = before.callback(child)
        working = before.start("works_long")
        emulator.wait_for_output("working")
        known = before.history(asking)
        kill(emulator)
    with run() as emulator:
        after = Durable(emulator)
        assert after.get(ended)["Result"] == "20"
        assert len(after.history(ended)) == 7
        assert after.history(asking)[: len(known)] == known
        emulator.advance(2)
        assert after.result(sleeping) == "awake"
        assert after.kinds(sleeping).count("StepStarted") == 2
        assert after.start("sleeper", {"seconds": 1}, DurableExecutionName="sleeping") == sleeping
        for each in (callback, childs_callback):
            after.client.send_durable_execution_callback_success(CallbackId=each, Result=b"yes")
        assert after.result(asking) == {"answer": "yes"}
        assert after.result(calling) == {"result": {"answer": "yes"}}
        assert after.result(working) == "second"
        kill(emulator)


def test_a_reset_and_a_deleted_function_leave_no_execution(run: Run) -> None:
    with run() as emulator:
        durable = Durable(emulator)
        missing = durable.client.exceptions.ResourceNotFoundException
        arn = durable.start("asks")
        durable.callback(arn)
        calling = durable.start("calls", {"function": "asks:$LATEST"})
        emulator.settle()
        durable.client.delete_function(FunctionName="asks")
        assert durable.result(calling)["message"] == "The function was deleted."
        for call in (partial(durable.get, arn), partial(durable.status, arn)):
            with pytest.raises(missing):
                call()
        emulator.reset()
        with pytest.raises(missing):
            durable.get(calling)
        kill(emulator)
    with run() as emulator:
        durable = Durable(emulator)
        listed = durable.client.list_durable_executions_by_function(FunctionName="calls")
        assert listed["DurableExecutions"] == []
        kill(emulator)


def test_a_stop_keeps_what_runs_for_the_next_start(run: Run) -> None:
    with run() as emulator:
        durable = Durable(emulator)
        emulator.advance(3600)
        arn = durable.start("asks")
        callback = durable.callback(arn)
        emulator.process.send_signal(signal.SIGINT)
        assert emulator.process.wait(20) == 0
        assert "1 durable execution waits in" in emulator.whole_output()
    with run() as emulator:
        durable = Durable(emulator)
        emulator.wait_for_output("clock.kept now=")
        durable.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"yes")
        assert durable.result(arn) == {"answer": "yes"}
        happened = [each["EventTimestamp"] for each in durable.history(arn)]
        assert happened == sorted(happened)
        kill(emulator)


UPDATES: list[dict[str, Any]] = [
    {"Id": "c", "Type": "CONTEXT", "Action": "START", "Name": "n", "SubType": "Map"},
    {"Id": "s", "Type": "STEP", "Action": "START", "ParentId": "c"},
    {
        "Id": "s",
        "Type": "STEP",
        "Action": "RETRY",
        "Error": {"ErrorMessage": "m", "StackTrace": ["a", "b"]},
        "StepOptions": {"NextAttemptDelaySeconds": 5},
    },
    {"Id": "w", "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": 9}},
    {
        "Id": "cb",
        "Type": "CALLBACK",
        "Action": "START",
        "CallbackOptions": {"TimeoutSeconds": 7, "HeartbeatTimeoutSeconds": 3},
    },
    {
        "Id": "i",
        "Type": "CHAINED_INVOKE",
        "Action": "START",
        "ChainedInvokeOptions": {"FunctionName": "f"},
        "Payload": "{}",
    },
    {"Id": "c", "Type": "CONTEXT", "Action": "SUCCEED", "ContextOptions": {"ReplayChildren": True}},
]


def beginning(name: str | None = None) -> Start:
    version = FunctionVersion(
        account="000000000000",
        region="us-east-1",
        name="f",
        deployment=1,
        runtime="python3.12",
        handler="app.handler",
        role="",
        code=CodePackage(folder=Path("nowhere"), sha256="", size_bytes=0),
        durable=DurableConfig(execution_timeout_s=600),
    )
    invocation = Invocation(
        request_id="r", payload=b'{"a": 1}', invoked_arn=version.qualified_arn, trace_header="t"
    )
    resolved = ResolvedFunction(version=version, invoked_arn=version.qualified_arn)
    return Start(resolved=resolved, invocation=invocation, name=name)


def begun(now: float = 1_000.0) -> Execution:
    return new_execution(beginning(), now)


def test_an_execution_is_read_as_it_was_written(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "documents.sqlite")
    kept = KeptExecutions(documents)
    execution = begun()
    draft = Draft(execution, 1_000.0)
    draft.begin('{"a": 1}')
    kept.write(draft)
    draft.commit()
    for number, update in enumerate(UPDATES):
        draft = Draft(execution, 1_001.0 + number)
        apply(draft, update_of(update), lambda _: ChainedTarget(version="1", child_arn="arn"))
        kept.write(draft)
        draft.commit()
    draft = Draft(execution, 1_020.0)
    draft.end(execution.operations["i"], OperationStatus.FAILED, error=ErrorObject(data="d"))
    draft.set(owes_invocation=False, failures=2)
    kept.write(draft)
    draft.commit()
    (read,) = kept.load()
    assert read.head == execution.head
    assert read.operations == execution.operations
    assert list(read.operations) == list(execution.operations)
    assert read.events == execution.events
    assert read.open == execution.open
    assert set(read.open) == {"s", "w", "cb"}
    kept.remove(read)
    assert kept.load() == []
    for kind in ("durable-execution", "durable-operation", "durable-event"):
        assert documents.all(kind) == {}
    documents.close()


def test_a_checkpoint_writes_what_it_changes(tmp_path: Path) -> None:
    execution = begun()
    draft = Draft(execution, 1_000.0)
    draft.begin("x" * 100_000)
    draft.commit()
    for number in range(50):
        draft = Draft(execution, 1_001.0)
        update = {"Id": f"s{number}", "Type": "STEP", "Action": "SUCCEED", "Payload": "p" * 1_000}
        apply(draft, update_of(update), lambda _: ChainedTarget())
        draft.commit()
    written: list[str] = []

    class Noting(Documents):
        are_kept = True

        @override
        def change(self, puts: Any = (), deletes: Any = ()) -> None:
            written.extend(json.dumps(body) for _, _, body in puts)

    draft = Draft(execution, 1_002.0)
    update = {"Id": "last", "Type": "STEP", "Action": "SUCCEED", "Payload": "p" * 1_000}
    apply(draft, update_of(update), lambda _: ChainedTarget())
    KeptExecutions(Noting()).write(draft)
    assert sum(map(len, written)) < 6_000
