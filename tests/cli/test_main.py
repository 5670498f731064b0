import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from emulator.cli import cli
from emulator.storage import Documents
from tests.cli.conftest import FakeEmulator, Run


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_says_what_it_does_with_an_example(name: str) -> None:
    command = cli.commands[name]
    help_text = command.get_help(click.Context(command, info_name=name))
    assert re.search(rf"Examples?:\n +lambda-emulator {name}", help_text)
    first_line = (command.help or "").splitlines()[0]
    assert first_line.endswith(".")
    assert len(first_line) < 80


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_option_is_explained(name: str) -> None:
    options = [each for each in cli.commands[name].params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("module", ["flask", "botocore", "boto3", "moto", "watchdog", "granian"])
def test_looking_at_the_command_line_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, emulator.cli.invoke, emulator.cli; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_data_dir_that_cannot_be_used_says_why(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "data" / "documents.sqlite"
    file.parent.mkdir()
    file.write_text("no database " * 1000)
    done = run("start", "--port", "0", "--data-dir", str(file.parent), str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: --data-dir: {file}: file is not a database\n"
        "error: Choose another folder, or move this one away to begin with an empty one.\n"
    )


def test_a_data_dir_that_cannot_be_made_says_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    done = run("start", "--port", "0", "--data-dir", str(folder), str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: --data-dir: {folder} cannot be used: Not a directory."
        " Choose a folder that you may write to.\n"
    )


def test_a_start_with_a_damaged_data_dir_leaves_no_folder(run: Run, tmp_path: Path) -> None:
    file, scratch = tmp_path / "data" / "documents.sqlite", tmp_path / "scratch"
    file.parent.mkdir()
    scratch.mkdir()
    documents = Documents(file)
    documents.put("any", "key", {"text": "x" * 50_000})
    documents.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))  # found out when it is read
    options = ("--port", "0", "--data-dir", str(file.parent))
    done = run("start", *options, str(tmp_path), TMPDIR=str(scratch))
    assert done.returncode == 2
    assert "database disk image is malformed" in done.stderr
    assert list(scratch.iterdir()) == []


def test_a_project_with_mistakes_does_not_start_and_names_them_all(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "emulator.toml").write_text("[functions.f]\ncode = 'x'\ntimeout = 1\n")
    done = run("start", "--port", "0", str(tmp_path))
    assert done.returncode == 2
    file = tmp_path / "emulator.toml"
    *mistakes, unknown = done.stderr.splitlines()
    assert mistakes == [
        f"error: {file}: functions.f.runtime: is missing",
        f'error: {file}: functions.f.code: no file or folder "x" in {tmp_path}'
        " (have: emulator.toml).",
        f"error: {file}: functions.f.handler: is missing",
    ]
    assert unknown.startswith(f"error: {file}: functions.f.timeout: unknown key (have: image, ")
    assert unknown.endswith(', triggers). Did you mean "timeout_s"?')


def test_a_template_with_mistakes_does_not_start_either(run: Run, tmp_path: Path) -> None:
    properties = "{Runtime: python3.12, Handler: app.handler, CodeUri: x}"
    (tmp_path / "template.yaml").write_text(
        "Parameters: {Stage: {Type: String}}\n"
        f"Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {properties}}}}}\n"
    )
    done = run("start", "--port", "0", str(tmp_path))
    assert done.returncode == 2
    file = tmp_path / "template.yaml"
    assert done.stderr.splitlines() == [
        f'error: {file}: Resources.F.Properties.CodeUri: no file or folder "x" in {tmp_path}'
        " (have: template.yaml).",
        f"error: {file}: Parameters.Stage: has no value: give it a Default, or parameter_overrides"
        " in samconfig.toml",
    ]


def test_a_port_that_is_taken_is_told_with_what_to_do(
    run: Run, fake: FakeEmulator, tmp_path: Path
) -> None:
    done = run("start", "--port", fake.url.rpartition(":")[2], str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.endswith(
        "is taken. Stop the other process, or pass --port 0 to pick a free one.\n"
    )


def test_without_a_server_a_command_says_how_to_start_one(run: Run) -> None:
    done = run("list", "--endpoint-url", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no emulator answers at http://127.0.0.1:1 (")
    assert "Start one with: lambda-emulator start" in done.stderr


def test_an_address_that_is_none_is_named(run: Run) -> None:
    done = run("list", "--endpoint-url", "https://x")
    assert done.returncode == 2
    assert done.stderr == 'error: "https://x" is not an address like http://127.0.0.1:4566\n'


def test_the_port_of_the_environment_is_the_default(run: Run, fake: FakeEmulator) -> None:
    port = fake.url.rpartition(":")[2]
    done = run("list", LAMBDA_EMULATOR_ENDPOINT="", LAMBDA_EMULATOR_PORT=port)
    assert done.returncode == 0
