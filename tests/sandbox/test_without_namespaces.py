"""The same environments where the kernel gives no namespaces, as on macOS."""

import json
import os
import sys
from pathlib import Path

import pytest

from emulator.model import CodePackage, FileSystem
from emulator.observe import Activity, LogBook
from emulator.sandbox import Environments
from tests.sandbox.conftest import MakeFunction, Run, Terminal
from tests.sandbox.test_environment import error_of, has_started, processes_running
from tests.sandbox.test_extensions import SHELL, events_of


@pytest.fixture(scope="module")
def isolate() -> bool:
    return False


def test_the_variables_point_into_private_folders(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        import os, sys, tempfile
        def handler(event, context):
            return [os.environ["LAMBDA_TASK_ROOT"], os.getcwd(), sys.path[0], tempfile.gettempdir()]
        """
    )
    task_root, cwd, first_path, tmp = json.loads(run(version).payload)
    assert task_root == cwd == first_path == str(version.code.folder)
    assert Path(tmp).name == "tmp"
    assert tmp != "/tmp"


def test_boto3_comes_from_a_folder_that_shows_nothing_else(
    function: MakeFunction, run: Run
) -> None:
    source = "import boto3, sys\ndef handler(e, c):\n    return boto3.__file__"
    assert "/runtime-python/boto3/" in run(function(source)).payload.decode()
    result = run(function("import flask\ndef handler(e, c):\n    return 1"))
    assert error_of(result)[1] == "Unable to import module 'app': No module named 'flask'"


def test_a_crash_and_a_timeout_reset_the_environment(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        import os, time
        def handler(event, context):
            if event == "exit":
                os._exit(7)
            while event == "loop":
                pass
            return "fine"
        """,
        timeout_s=1,
    )
    assert error_of(run(version, "exit"))[1].endswith("exit status 7")
    assert error_of(run(version, "loop"))[0] == "Sandbox.Timedout"
    assert run(version).payload == b'"fine"'


@pytest.mark.parametrize(
    "is_session",
    [
        False,
        pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="no /proc")),
    ],
)
def test_children_end_with_the_environment(
    function: MakeFunction, run: Run, environments: Environments, is_session: bool
) -> None:
    seconds = f"98764.{os.getpid()}{int(is_session)}"
    version = function(
        f"""
        import subprocess
        def handler(event, context):
            subprocess.Popen(["sleep", "{seconds}"], start_new_session={is_session})
        """
    )
    run(version)
    assert has_started(seconds)
    environments.retire(version)
    environments.settle()
    assert not processes_running(seconds)


def test_layers_are_where_the_variables_say(
    function: MakeFunction, run: Run, tmp_path: Path
) -> None:
    for number in (1, 2):
        folder = tmp_path / f"layer-{number}" / "python"
        folder.mkdir(parents=True)
        (folder / "shared.py").write_text(f"WHO = {number}")
    layers = tuple(
        CodePackage(folder=tmp_path / f"layer-{number}", sha256=str(number), size_bytes=1)
        for number in (1, 2)
    )
    source = (
        "import os, shared\n"
        "def handler(e, c):\n"
        "    return [shared.WHO, [name for name in os.environ if 'EMULATOR' in name]]"
    )
    assert run(function(source, layers=layers)).payload == b"[2, []]"
    executed = function(source, layers=layers, environment={"PYTHONUNBUFFERED": "1"})
    assert run(executed).payload == b"[2, []]"


def test_extensions_are_started_from_their_layer_and_told_of_the_end(
    function: MakeFunction,
    run: Run,
    environments: Environments,
    activity: Activity,
    log_book: LogBook,
    tmp_path: Path,
) -> None:
    path = tmp_path / "layer" / "extensions" / "watcher"
    path.parent.mkdir(parents=True)
    path.write_text(SHELL)
    path.chmod(0o755)
    layer = CodePackage(folder=tmp_path / "layer", sha256="", size_bytes=1)
    group = "/tests/extension-without-namespaces"
    version = function("def handler(e, c):\n    return e", layers=(layer,), log_group=group)
    assert run(version, 1).payload == b"1"
    assert activity.wait_idle(10)
    environments.retire(version)
    assert environments.settle()
    lines = [event.message for event in log_book.tail(group).events]
    assert [event["eventType"] for event in events_of(lines)] == ["INVOKE", "SHUTDOWN"]


def test_a_function_whose_file_systems_cannot_be_shown_runs_and_is_told_of(
    function: MakeFunction, run: Run, terminal: Terminal
) -> None:
    arn = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"
    systems = (FileSystem(arn=arn, mount_path="/mnt/shared"),)
    source = "def handler(event, context):\n    return event\n"
    assert run(function(source, file_systems=systems), 7).payload == b"7"
    told = [fields for name, fields in terminal.reports if name == "file_system.not_mounted"]
    assert [fields["function"] for fields in told] == ["tested"]
