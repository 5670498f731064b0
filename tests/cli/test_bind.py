import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import FakeEmulator, Run
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = "def handler(event, context):\n    return {0!r} + event['body']\n"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("empty")) as emulator:
        yield emulator


def lambda_emulator(
    emulator: RunningEmulator, *arguments: object
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "emulator", *map(str, arguments)],
        env={**os.environ, "LAMBDA_EMULATOR_ENDPOINT": emulator.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )


def call(emulator: RunningEmulator, name: str, body: bytes = b"hello") -> str:
    """As `curl -d hello` does."""
    with urllib.request.urlopen(f"{emulator.endpoint}/fn/{name}", body) as answer:
        text: bytes = answer.read()
    return text.decode()


def test_a_folder_is_bound_and_stays_live(emulator: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE.format("one "))
    done = lambda_emulator(emulator, "bind", "-p", tmp_path, "-f", "folder")
    runtime = f"python3.{sys.version_info.minor}"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"folder: app.handler on {runtime}, at {emulator.endpoint}/fn/folder\n"
    assert call(emulator, "folder") == "one hello"
    (tmp_path / "app.py").write_text(SOURCE.format("two "))
    assert call(emulator, "folder") == "two hello"
    assert lambda_emulator(emulator, "unbind", "-f", "folder").stdout == "folder: unbound\n"
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(emulator, "folder")
    with caught.value as error:
        assert error.code == 404
    assert (tmp_path / "app.py").exists()


def test_a_relative_path_is_one_of_the_callers(
    emulator: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lambda_function.py").write_text(
        SOURCE.format("rel ").replace("handler", "lambda_handler")
    )
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [sys.executable, "-m", "emulator", "bind", "-p", ".", "-f", "relative"],
        env={**environment, "LAMBDA_EMULATOR_ENDPOINT": emulator.endpoint},
        check=True,
        capture_output=True,
    )
    assert call(emulator, "relative") == "rel hello"


def test_single_files_and_archives_are_uploaded(emulator: RunningEmulator, tmp_path: Path) -> None:
    script = tmp_path / "orders.py"
    script.write_text(SOURCE.format("file "))
    done = lambda_emulator(emulator, "bind", "-p", script, "-f", "file")
    assert done.stderr == "It was uploaded: bind it again after a change.\n"
    assert call(emulator, "file") == "file hello"
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", SOURCE.format("zip "))
        content.writestr("package/__init__.py", "def handler(): ...")
    assert lambda_emulator(emulator, "bind", "-p", archive, "-f", "zip").returncode == 0
    assert call(emulator, "zip") == "zip hello"


def test_bound_again_a_name_gets_the_new_code(emulator: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE.format("old "))
    assert lambda_emulator(emulator, "bind", "-p", tmp_path, "-f", "again").returncode == 0
    assert call(emulator, "again") == "old hello"
    script = tmp_path / "orders.py"
    script.write_text(SOURCE.format("new "))
    done = lambda_emulator(emulator, "bind", "-p", script, "-f", "again")
    assert done.returncode == 0, done.stderr
    assert call(emulator, "again") == "new hello"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_a_node_script_is_bound(emulator: RunningEmulator, tmp_path: Path) -> None:
    script = tmp_path / "index.mjs"
    script.write_text("export const handler = async (event) => `node ${event.body}`")
    done = lambda_emulator(emulator, "bind", "-p", script, "-f", "node")
    assert "index.handler on nodejs" in done.stdout
    assert call(emulator, "node") == "node hello"


def test_a_program_is_a_bootstrap(emulator: RunningEmulator, tmp_path: Path) -> None:
    program = tmp_path / "native.sh"
    program.write_text(
        "#!/bin/sh\n"
        'api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"\n'
        "while :; do\n"
        '  id=$(curl -sS -o /dev/null -D - "$api/next" | tr -d "\\r"'
        ' | sed -n "s/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p")\n'
        '  curl -sS -o /dev/null "$api/$id/response" -d \'"from sh"\'\n'
        "done\n"
    )
    refused = lambda_emulator(emulator, "bind", "-p", program, "-f", "native")
    assert refused.returncode == 2
    assert "a program must be executable: chmod +x" in refused.stderr
    program.chmod(0o755)
    done = lambda_emulator(emulator, "bind", "-p", program, "-f", "native")
    assert "bootstrap on provided.al2023" in done.stdout
    assert call(emulator, "native") == "from sh"


def test_what_cannot_be_judged_is_asked_for(run: Run, tmp_path: Path) -> None:
    done = run("bind", "-p", str(tmp_path), "-f", "f")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {tmp_path}: no handler found")
    assert done.stderr.endswith("Pass --runtime and --handler.\n")


def test_a_jar_needs_its_handler_and_what_is_no_archive_is_refused(
    run: Run, tmp_path: Path
) -> None:
    jar = tmp_path / "code.jar"
    jar.write_bytes(b"no zip")
    done = run("bind", "-p", str(jar), "-f", "f")
    assert done.stderr == f"error: {jar} is not a zip archive\n"
    with zipfile.ZipFile(jar, "w") as content:
        content.writestr("example/Handler.class", b"")
    assert "Pass --runtime and --handler" in run("bind", "-p", str(jar), "-f", "f").stderr
    done = run("bind", "-p", str(tmp_path / "missing"), "-f", "f")
    assert done.stderr == f"error: there is no file or folder {tmp_path / 'missing'}\n"


def test_runtime_and_handler_may_be_given(run: Run, fake: FakeEmulator, tmp_path: Path) -> None:
    options = ["--runtime", "python3.13", "--handler", "a.b.c"]
    assert run("bind", "-p", str(tmp_path), "-f", "f", *options).returncode == 0
    ((_, path, body),) = fake.asked
    assert path == "/2015-03-31/functions"
    assert json.loads(body) == {
        "FunctionName": "f",
        "Role": "arn:aws:iam::000000000000:role/lambda-emulator",
        "Code": {"S3Bucket": "hot-reload", "S3Key": str(tmp_path)},
        "Runtime": "python3.13",
        "Handler": "a.b.c",
    }


def test_what_lambda_refuses_is_told(run: Run, fake: FakeEmulator, tmp_path: Path) -> None:
    fake.status, fake.body = 404, b'{"Message": "Function not found: x"}'
    done = run("unbind", "-f", "x")
    assert (done.returncode, done.stderr) == (2, f"error: {fake.url}: Function not found: x\n")
    options = ["--runtime", "python3.13", "--handler", "a.b"]
    assert run("bind", "-p", str(tmp_path), "-f", "f", *options).returncode == 2
