"""File systems below /mnt that functions share."""

import json
from pathlib import Path

import pytest

from emulator.model import FileSystem, LambdaError
from emulator.sandbox.file_systems import FileSystems
from tests.sandbox.conftest import MakeFunction, Run, Terminal, needs_namespaces

ARN = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"
SHARED = (FileSystem(arn=ARN, mount_path="/mnt/shared"),)
WRITE = """
import os
def handler(event, context):
    os.makedirs("/mnt/shared/made", exist_ok=True)
    with open("/mnt/shared/made/" + event, "a") as file:
        file.write("written ")
    return sorted(os.listdir("/mnt")), sorted(os.listdir("/mnt/shared/made"))
"""
READ = """
import shutil
def handler(event, context):
    with open("/mnt/data/made/" + event) as file:
        text = file.read()
    shutil.rmtree("/mnt/data/made")
    return text
"""


@needs_namespaces
def test_functions_share_an_access_point(function: MakeFunction, run: Run) -> None:
    writer = function(WRITE, file_systems=SHARED)
    assert json.loads(run(writer, "a").payload) == [["shared"], ["a"]]
    assert json.loads(run(writer, "b").payload) == [["shared"], ["a", "b"]]
    reader = function(READ, file_systems=(FileSystem(arn=ARN, mount_path="/mnt/data"),))
    result = run(reader, "b")
    assert result.function_error is None, result.payload
    assert json.loads(result.payload) == "written "


@needs_namespaces
def test_what_is_written_outlives_a_crash(function: MakeFunction, run: Run) -> None:
    crashing = function(
        """
        import os
        def handler(event, context):
            if os.path.exists("/mnt/shared/mark"):
                os.remove("/mnt/shared/mark")
                return "there"
            open("/mnt/shared/mark", "w").close()
            os._exit(3)
        """,
        file_systems=SHARED,
    )
    assert run(crashing).function_error == "Unhandled"
    assert json.loads(run(crashing).payload) == "there"


@needs_namespaces
def test_other_functions_find_nothing_below_mnt(function: MakeFunction, run: Run) -> None:
    source = "import os\ndef handler(event, context):\n    return os.listdir('/mnt')\n"
    assert json.loads(run(function(source)).payload) == []


@needs_namespaces
def test_a_program_that_waited_for_its_function_has_them_too(
    function: MakeFunction, run: Run
) -> None:
    source = """
        import { writeFileSync, readFileSync, rmSync } from 'node:fs';
        export const handler = async () => {
          writeFileSync('/mnt/shared/node', 'hello');
          const text = readFileSync('/mnt/shared/node', 'utf8');
          rmSync('/mnt/shared/node');
          return text;
        };
    """
    version = function(source, file="app.mjs", runtime="nodejs22.x", file_systems=SHARED)
    try:
        result = run(version)
    except LambdaError as error:
        pytest.skip(error.message)
    assert result.payload == b'"hello"'


def test_a_folder_that_cannot_be_made_is_an_error_of_efs(
    tmp_path: Path, terminal: Terminal, function: MakeFunction
) -> None:
    (tmp_path / "000000000000").write_text("a file")
    systems = FileSystems(tmp_path, terminal.report)
    with pytest.raises(LambdaError) as caught:
        systems.mounts(function(READ, file_systems=SHARED))
    assert caught.value.code == "EFSMountFailureException"


def test_a_function_that_finds_none_is_told_of_once(
    tmp_path: Path, terminal: Terminal, function: MakeFunction
) -> None:
    systems = FileSystems(tmp_path, terminal.report)
    version = function(READ, file_systems=SHARED)
    for _ in range(2):
        systems.tell_of_missing(version, "no namespaces")
    told = [fields for name, fields in terminal.reports if name == "file_system.not_mounted"]
    assert told == [{"function": "tested", "effect": "nothing is at /mnt/shared: no namespaces"}]
