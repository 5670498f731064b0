"""A kernel that gives no namespaces, as in most containers: clean all the same."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import processes_of, wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.end_to_end.test_misbehaving_handlers import SOURCE
from tests.running_emulator import RunningEmulator, started_emulator

# Root as in a container: without the right to make namespaces.
WITHOUT = ("setpriv", "--bounding-set=-sys_admin")


def can_drop_the_right() -> bool:
    if sys.platform != "linux" or os.getuid() != 0 or shutil.which("setpriv") is None:
        return False
    return subprocess.run([*WITHOUT, "true"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_drop_the_right(), reason="only root can do without namespaces"),
]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("wild", SOURCE, "timeout_s = 1")
    folder.add("patient", SOURCE, "timeout_s = 20")
    command = (*WITHOUT, sys.executable, "-m", "emulator")
    with started_emulator(folder.path, command=command) as emulator:
        yield emulator


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def test_misbehaving_handlers_get_the_same_answers_and_a_stop_leaves_nothing(
    emulator: RunningEmulator, functions: Any
) -> None:
    expected = {
        "exit_with_3": ("Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        "loop_for_ever": ("Sandbox.Timedout", "Error: Task timed out after 1.00 seconds"),
        "leave_a_child": None,
        "leave_a_session": None,
    }
    for way, error in expected.items():
        answer = invoke(functions, "wild", way)
        assert (answer.error if answer.function_error else None) == error
        assert isinstance(invoke(functions, "wild").result, int)
    eaten = invoke(functions, "patient", "eat_memory_in_a_child").error
    assert eaten == ("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")

    emulator.process.send_signal(signal.SIGINT)
    assert emulator.process.wait(20) == 0

    assert "sandbox.without_namespaces" in emulator.output
    assert processes_of(emulator.scratch) == []
    assert os.listdir(emulator.scratch) == []


def test_a_killed_server_leaves_nothing_either(emulator: RunningEmulator, functions: Any) -> None:
    invoke(functions, "wild", "leave_a_session")
    invoke(functions, "patient", "leave_a_child")

    emulator.process.kill()

    assert wait_until(lambda: not processes_of(emulator.scratch), timeout_s=5)
    assert wait_until(lambda: not os.listdir(emulator.scratch), timeout_s=5)
