"""`kill -9`: of the server, of a zygote, of a function."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import (
    function_processes,
    kill,
    processes_of,
    wait_until,
    waiters_of,
    zygotes_of,
)
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator, started_emulator
from tests.sandbox.conftest import needs_namespaces

SOURCE = """
import os, subprocess, sys, time

def handler(event, context):
    if event == "leave a session":
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        subprocess.Popen(command, start_new_session=True)
    elif event is not None:
        print("sleeping", flush=True)
        time.sleep(event)
    return "done"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("sleeper", SOURCE, "timeout_s = 60")
    return folder.path


@pytest.fixture
def emulator(project: Path) -> Iterator[RunningEmulator]:
    with running_emulator(project) as emulator:
        yield emulator


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def let_it_rest() -> None:
    """Wait until nobody takes the runtime to be alive because it has just answered."""
    threading.Event().wait(0.1)


def kill_server_and_see_all_end(emulator: RunningEmulator) -> None:
    # The server, a zygote in its namespace, what waits for it outside, a function:
    assert len(processes_of(emulator.scratch)) > 3
    emulator.process.kill()
    assert wait_until(lambda: not processes_of(emulator.scratch), timeout_s=5)


def test_what_a_killed_server_started_ends_with_it_and_its_folder_goes(project: Path) -> None:
    with started_emulator(project) as emulator:
        functions = emulator.client("lambda")
        assert invoke(functions, "sleeper", "leave a session").result == "done"

        kill_server_and_see_all_end(emulator)

        assert wait_until(lambda: not os.listdir(emulator.scratch))


def test_a_server_killed_during_invocations_leaves_nothing_either(project: Path) -> None:
    with started_emulator(project) as emulator, ThreadPoolExecutor(4) as callers:
        functions = emulator.client("lambda")
        calls = [callers.submit(invoke, functions, "sleeper", 60) for _ in range(4)]
        emulator.wait_for_output("sleeping\n" * 4)

        kill_server_and_see_all_end(emulator)

        assert wait_until(lambda: not os.listdir(emulator.scratch))
        assert all(call.exception() is not None for call in calls)


def test_the_next_start_removes_the_folder_of_a_server_whose_zygotes_were_killed_too(
    project: Path,
) -> None:
    with started_emulator(project) as killed:
        invoke(killed.client("lambda"), "sleeper")
        started = processes_of(killed.scratch)
        for process in started:
            process.suspend()  # so that none of them has the time to clean up
        kill(started)
        assert [name for name in os.listdir(killed.scratch) if name.startswith("lambda-emulator-")]

        with started_emulator(project, TMPDIR=str(killed.scratch)) as next_one:
            folders = os.listdir(killed.scratch)
            assert len(folders) == 1
            assert folders[0].startswith(f"lambda-emulator-{next_one.process.pid}-")
            assert invoke(next_one.client("lambda"), "sleeper").result == "done"
            next_one.process.send_signal(signal.SIGTERM)
            assert next_one.process.wait(20) == 0


def test_a_zygote_that_ends_with_its_waiter_is_replaced_at_the_next_invocation(
    emulator: RunningEmulator, functions: Any
) -> None:
    assert invoke(functions, "sleeper").result == "done"
    for _ in range(3):
        let_it_rest()
        kill(waiters_of(emulator.process.pid))
        assert wait_until(lambda: len(processes_of(emulator.scratch)) == 1)
        assert invoke(functions, "sleeper").result == "done"


def test_a_killed_zygote_is_replaced_at_the_next_invocation(
    emulator: RunningEmulator, functions: Any
) -> None:
    assert invoke(functions, "sleeper").result == "done"
    for _ in range(3):
        let_it_rest()
        kill(zygotes_of(emulator.process.pid))
        assert invoke(functions, "sleeper").result == "done"


@needs_namespaces
def test_whatever_a_zygote_has_started_may_be_killed(
    emulator: RunningEmulator, functions: Any
) -> None:
    assert invoke(functions, "sleeper").result == "done"
    zygotes = zygotes_of(emulator.process.pid)
    for _ in range(3):
        let_it_rest()
        kill([child for zygote in zygotes for child in zygote.children()])
        assert invoke(functions, "sleeper").result == "done"
    assert zygotes_of(emulator.process.pid) == zygotes


def test_a_zygote_killed_during_an_invocation_is_a_crash_of_the_function(
    emulator: RunningEmulator, functions: Any
) -> None:
    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(invoke, functions, "sleeper", 60)
        emulator.wait_for_output("sleeping")
        kill(zygotes_of(emulator.process.pid))
        assert call.result(10).error == (
            "Runtime.ExitError",
            "Error: Runtime exited with error: signal: killed",
        )
    assert invoke(functions, "sleeper").result == "done"


def test_a_function_killed_while_idle_starts_anew(
    emulator: RunningEmulator, functions: Any
) -> None:
    assert invoke(functions, "sleeper").result == "done"
    for _ in range(10):
        let_it_rest()
        kill(function_processes(emulator.process.pid))
        assert invoke(functions, "sleeper").result == "done"


def test_a_function_killed_while_it_runs_is_told_and_starts_anew(
    emulator: RunningEmulator, functions: Any
) -> None:
    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(invoke, functions, "sleeper", 60)
        emulator.wait_for_output("sleeping")
        kill(function_processes(emulator.process.pid))
        assert call.result(10).error == (
            "Runtime.ExitError",
            "Error: Runtime exited with error: signal: killed",
        )
    assert invoke(functions, "sleeper").result == "done"


def test_events_of_a_killed_function_are_tried_again(project: Path) -> None:
    (project / "emulator.toml").write_text(
        "[emulator]\nretry_delay_scale = 0.01\n" + (project / "emulator.toml").read_text()
    )
    with running_emulator(project) as emulator:
        functions = emulator.client("lambda")
        functions.invoke(FunctionName="sleeper", InvocationType="Event", Payload=b"0.5")
        emulator.wait_for_output("sleeping")
        kill(function_processes(emulator.process.pid))
        emulator.wait_for_output("event.postponed")
        emulator.wait_for_output("attempt=2")
        emulator.settle()
        records = emulator.invocations("sleeper")
    assert [(record["attempt"], record["status"]) for record in records] == [
        (2, "success"),
        (1, "error"),
    ]
