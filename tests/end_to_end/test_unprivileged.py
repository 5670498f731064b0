"""The emulator as a user who is not root, when root runs the tests."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.nobody import AS_NOBODY, NOBODY, needs_nobody
from tests.end_to_end.processes import processes_of, wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, started_emulator

TOP = """
[resources]
buckets = ["photos"]
"""
TRIGGER = """
memory_mib = 256
[[functions.looks.triggers]]
source = "s3"
bucket = "photos"
events = ["s3:ObjectCreated:*"]
"""
SOURCE = """
import os, shutil, subprocess, sys

def attempt(path):
    try:
        with open(path, "w") as file:
            file.write("written")
        return "written"
    except OSError as error:
        return error.strerror

def handler(event, context):
    if event == "leave a child":
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        subprocess.Popen(command, start_new_session=True)
    if event == "eat":
        x = b"x" * (1 << 30)
    if event == "exit":
        os._exit(3)
    shutil.copy("app.py", "/tmp/app.py")
    return {
        "file": __file__,
        "user": os.getuid(),
        "in /var/task": attempt("/var/task/new"),
        "over the code": attempt("/var/task/app.py"),
        "in /tmp": attempt("/tmp/new"),
        "over a copy": attempt("/tmp/app.py"),
    }
"""

pytestmark = [pytest.mark.slow, needs_nobody]


@pytest.fixture
def emulator(open_folder: Path, packages: str, python: str) -> Iterator[RunningEmulator]:
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(dir=open_folder))
        scratch = Path(name) / "scratch"
        scratch.mkdir()
        os.chown(scratch, NOBODY, NOBODY)
        Path(name).chmod(0o755)
        project = ProjectFolder(Path(name) / "project", TOP)
        project.add("looks", SOURCE, TRIGGER)
        yield stack.enter_context(
            started_emulator(
                project.path,
                command=(*AS_NOBODY, python, "-m", "emulator"),
                TMPDIR=str(scratch),
                PYTHONPATH=packages,
                HOME="/nonexistent",
            )
        )


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def stop(emulator: RunningEmulator) -> None:
    emulator.process.terminate()
    assert emulator.process.wait(20) == 0
    assert processes_of(emulator.scratch) == []
    assert os.listdir(emulator.scratch) == []
    assert "Traceback" not in emulator.output


def test_nobody_can_start_invoke_and_stop(emulator: RunningEmulator, functions: Any) -> None:
    seen = invoke(functions, "looks").result
    stop(emulator)

    assert seen["user"] == NOBODY
    if "sandbox.without_namespaces" in emulator.output:
        pytest.skip("this kernel gives nobody no namespaces")
    assert seen["file"] == "/var/task/app.py"
    assert seen["in /var/task"] == seen["over the code"] == "Read-only file system"
    assert seen["in /tmp"] == seen["over a copy"] == "written"


def test_the_functions_of_nobody_crash_and_are_limited_like_all_others(
    emulator: RunningEmulator, functions: Any
) -> None:
    killed = "Error: Runtime exited with error: signal: killed"
    assert invoke(functions, "looks", "eat").error == ("Runtime.ExitError", killed)
    exited = "Error: Runtime exited with error: exit status 3"
    assert invoke(functions, "looks", "exit").error == ("Runtime.ExitError", exited)
    assert invoke(functions, "looks", "leave a child").function_error is None
    assert invoke(functions, "looks").function_error is None
    stop(emulator)


def test_uploads_of_nobody_invoke_functions(emulator: RunningEmulator) -> None:
    emulator.client("s3").put_object(Bucket="photos", Key="a.jpg", Body=b"x")
    emulator.settle()
    assert [record["source"] for record in emulator.invocations("looks")] == ["s3"]
    stop(emulator)


def test_what_nobody_started_ends_with_a_killed_server(
    emulator: RunningEmulator, functions: Any
) -> None:
    invoke(functions, "looks", "leave a child")
    emulator.process.kill()
    assert wait_until(lambda: not processes_of(emulator.scratch), timeout_s=5)
    assert wait_until(lambda: not os.listdir(emulator.scratch), timeout_s=5)


def test_nobody_has_environments_restored_that_end_with_a_killed_server(
    emulator: RunningEmulator, functions: Any
) -> None:
    functions.update_function_configuration(
        FunctionName="looks", Runtime="python3.12", SnapStart={"ApplyOn": "PublishedVersions"}
    )
    number = functions.publish_version(FunctionName="looks")["Version"]
    emulator.settle()
    before = invoke(functions, "looks", Qualifier=number)
    assert "Restore Duration" in before.log
    assert before.result["user"] == NOBODY
    assert invoke(functions, "looks", "exit", Qualifier=number).function_error
    again = invoke(functions, "looks", "leave a child", Qualifier=number)
    assert again.result == before.result
    emulator.process.kill()
    assert wait_until(lambda: not processes_of(emulator.scratch), timeout_s=5)
    assert wait_until(lambda: not os.listdir(emulator.scratch), timeout_s=5)
