"""What a command line must not hold is refused in a line that says so, with exit status 2."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import FakeEmulator, Run

LONG = "a" * 300  # no file system takes such a name

WRONG = {  # arguments of a command: the end of the line that says what is wrong
    "clock advance abc": '"abc" is not a number of seconds, 0 or more.',
    "clock advance nan": '"nan" is not a number of seconds, 0 or more.',
    "settle --timeout soon": '"soon" is not a number of seconds, 0 or more.',
    "settle --timeout inf": '"inf" is not a number of seconds, 0 or more.',
    "nats bind -s a -f f --ack-wait 0": '"0" is not a number of seconds, 0.1 or more.',
    "invoke orders --payload \udcff": r"'\udcff' is not text in UTF-8",
    "logs \udcff": r"'\udcff' is not text in UTF-8",
    "start --data-dir \udcff": r"'\udcff' is not text in UTF-8",
    "invoke orders --tenant-id €": r"--tenant-id: '\u20ac' has characters that cannot be sent",
    "invoke ": "the name of the function is empty",
    "unbind -f ": "the name of the function is empty",
    "bind -f f -p ": "the path is empty.",
    f"bind -f f -p {LONG}": f"{LONG} cannot be read: File name too long",
    "start ": "the path is empty.",
    "start --data-dir ": "the path is empty.",
    "start --host ..": '".." is not the name of a host.',
    "start pyproject.toml": "pyproject.toml: is not a folder. Pass the project's folder.",
    "list --endpoint-url http://[::1": '"http://[::1" is not an address like http://127.0.0.1:4566',
    "list --endpoint-url ..": '".." is not an address like http://127.0.0.1:4566',
    "generate-event events event --detail {": (
        "--detail is not JSON: Expecting property name enclosed in double quotes: line 1 column 2"
        " (char 1)"
    ),
    "generate-event cloudformation create --properties []": (
        "--properties must be a JSON object, not []"
    ),
    "generate-event sqs message --count -1": (
        "Invalid value for '--count': -1 is not in the range x>=0."
    ),
}


@pytest.mark.parametrize("command", WRONG)
def test_a_wrong_value_is_named(fake: FakeEmulator, run: Run, command: str) -> None:
    done = run(*command.split(" "))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith(WRONG[command])
    assert "Traceback" not in done.stderr
    assert fake.asked == []


@pytest.mark.parametrize("port", ["http", "99999", "²"])
@pytest.mark.parametrize("command", ["list", "doctor"])
def test_a_port_of_the_environment_that_is_none_is_named(run: Run, command: str, port: str) -> None:
    done = run(command, LAMBDA_EMULATOR_ENDPOINT="", LAMBDA_EMULATOR_PORT=port)
    assert done.returncode == 2
    assert done.stderr == f'error: LAMBDA_EMULATOR_PORT is "{port}", which is not a port.\n'


def test_a_project_file_that_cannot_be_read_says_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "emulator.toml").mkdir()
    done = run("start", "--port", "0", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/emulator.toml: cannot be read: Is a directory\n"


def test_an_archive_that_is_damaged_inside_says_where(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "code.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    file.write_bytes(file.read_bytes().replace(b"handler", b"another"))
    done = run("bind", "-f", "f", "-p", str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("error: app.py in the archive cannot be read: Bad CRC-32")


def test_a_long_timeout_reaches_the_emulator_as_it_is(fake: FakeEmulator, run: Run) -> None:
    fake.body = json.dumps({"settled": True, "pending": {}}).encode()
    assert run("settle", "--timeout", "1e30").returncode == 0
    assert fake.asked[0][1] == "/_emulator/settle?timeout=1e%2B30"
