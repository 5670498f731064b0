"""The emulator as a user who is not root, when root runs the tests."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import processes_of, wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import REPOSITORY, RunningEmulator, started_emulator

NOBODY = 65534
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "env",  # setpriv itself still finds programs that nobody may not run
)
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
        "host": os.listdir("/.host"),
    }
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.getuid() != 0, reason="only root can become nobody"
    ),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv"),
]


def works(*command: str, **variables: str) -> bool:
    done = subprocess.run(
        [*AS_NOBODY, *command], env=variables, capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that nobody may use; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="nobody-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def packages(open_folder: Path) -> str:
    """A PYTHONPATH that nobody can read; a copy where the checkout is private."""
    installed = Path(sysconfig.get_path("purelib"))
    if not all(works("test", "-r", str(path)) for path in (REPOSITORY / "emulator", installed)):
        unneeded = shutil.ignore_patterns("mypy*", "ruff*", "awscli*", "__pycache__")
        shutil.copytree(REPOSITORY / "emulator", open_folder / "copy" / "emulator")
        shutil.copytree(installed, open_folder / "copy" / "installed", ignore=unneeded)
        return f"{open_folder}/copy:{open_folder}/copy/installed"
    return f"{REPOSITORY}:{installed}"


@pytest.fixture(scope="module")
def python(packages: str) -> str:
    """A Python of this version that nobody may run."""
    name = f"python3.{sys.version_info.minor}"
    candidates = [os.path.realpath(sys.executable), f"/usr/local/bin/{name}", f"/usr/bin/{name}"]
    for path in candidates:
        if works(path, "-c", "import emulator.app, moto.server", PYTHONPATH=packages):
            return path
    pytest.skip(f"nobody can run the emulator with any of {', '.join(candidates)}")


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
    assert seen["host"] == []


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
