"""What people type: the AWS CLI, and the emulator's own commands."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import REPOSITORY, RunningEmulator, running_emulator

Run = Callable[..., "subprocess.CompletedProcess[str]"]
AWS = Path(sys.executable).with_name("aws")

SOURCE = """
def handler(event, context):
    print("got", event)
    if event == {"fail": True}:
        raise ValueError("as asked")
    return {"greeting": "Hello", "event": event}
"""
PUT = {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "a.jpg"}}}]}

pytestmark = pytest.mark.slow  # each start of the AWS CLI takes half a second


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("hello", SOURCE)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def run(emulator: RunningEmulator, tmp_path: Path) -> Run:
    """Run a program with a shell's settings for the emulator, in an empty folder."""
    environment = {name: value for name, value in os.environ.items() if "AWS" not in name}
    environment |= {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "LAMBDA_EMULATOR_ENDPOINT": emulator.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": str(REPOSITORY),
    }

    def run(*command: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def aws(run: Run) -> Run:
    if not AWS.exists():
        pytest.skip(f"no AWS CLI at {AWS}")
    return lambda *command, status=0: run(str(AWS), *command, status=status)


@pytest.fixture
def own(run: Run) -> Run:
    """`lambda-emulator`."""
    return lambda *command, status=0: run(sys.executable, "-m", "emulator", *command, status=status)


def test_aws_lambda_invoke_with_a_payload(aws: Run, tmp_path: Path) -> None:
    payload = '{"key1":"value1"}'
    invoke = ("lambda", "invoke", "--function-name", "hello", "--payload", payload, "out.json")

    done = aws(*invoke)

    assert json.loads(done.stdout) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    answer = (tmp_path / "out.json").read_text()
    assert answer == '{"greeting": "Hello", "event": {"key1": "value1"}}'


def test_aws_lambda_invoke_with_a_file_and_the_log(aws: Run, tmp_path: Path) -> None:
    (tmp_path / "put.json").write_text(json.dumps(PUT))
    invoke = ("lambda", "invoke", "--function-name", "hello", "--payload", "file://put.json")

    done = aws(*invoke, "--log-type", "Tail", "out.json")

    assert json.loads((tmp_path / "out.json").read_text())["event"] == PUT
    log = base64.b64decode(json.loads(done.stdout)["LogResult"]).decode()
    assert re.search(r"START RequestId: \S+ Version: \$LATEST\ngot \{'Records'", log)
    assert re.search(r"END RequestId: \S+\nREPORT RequestId: \S+\tDuration: [\d.]+ ms", log)


def test_aws_lambda_invoke_of_a_function_that_fails(aws: Run, tmp_path: Path) -> None:
    invoke = ("lambda", "invoke", "--function-name", "hello", "--payload", '{"fail": true}')

    done = aws(*invoke, "out.json")

    assert json.loads(done.stdout)["FunctionError"] == "Unhandled"
    error = json.loads((tmp_path / "out.json").read_text())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
    assert error["stackTrace"] == [
        '  File "/var/task/app.py", line 5, in handler\n    raise ValueError("as asked")\n'
    ]


def test_aws_lambda_invoke_by_event_and_dry_run(
    aws: Run, emulator: RunningEmulator, tmp_path: Path
) -> None:
    invoke = ("lambda", "invoke", "--function-name", "hello", "--payload", '"by event"')

    done = aws(*invoke, "--invocation-type", "Event", "out.json")
    assert json.loads(done.stdout) == {"StatusCode": 202}
    assert (tmp_path / "out.json").read_text() == ""
    emulator.settle()
    assert emulator.invocations("hello")[0]["event"] == "by event"

    count = len(emulator.invocations("hello"))
    done = aws(*invoke, "--invocation-type", "DryRun", "out.json")
    assert json.loads(done.stdout) == {"StatusCode": 204}
    assert len(emulator.invocations("hello")) == count


def test_an_unknown_function_is_an_error_of_the_aws_cli(aws: Run) -> None:
    done = aws("lambda", "invoke", "--function-name", "helo", "out.json", status=255)

    arn = "arn:aws:lambda:us-east-1:000000000000:function:helo:$LATEST"
    assert "ResourceNotFoundException" in done.stderr
    assert f"Function not found: {arn}" in done.stderr


def test_aws_lists_and_shows_functions(aws: Run) -> None:
    listed = json.loads(aws("lambda", "list-functions").stdout)["Functions"]
    assert [each["FunctionName"] for each in listed] == ["hello"]
    shown = json.loads(aws("lambda", "get-function", "--function-name", "hello").stdout)
    assert shown["Configuration"]["State"] == "Active"
    assert shown["Code"]["Location"].startswith("http://127.0.0.1:")


def test_aws_logs_hold_what_the_function_printed(aws: Run, own: Run) -> None:
    own("invoke", "hello", "--payload", '"for the log"')

    filter_events = ("logs", "filter-log-events", "--log-group-name", "/aws/lambda/hello")
    messages = aws(*filter_events, "--query", "events[].message", "--output", "text").stdout
    groups = json.loads(aws("logs", "describe-log-groups").stdout)["logGroups"]

    assert "got for the log" in messages
    assert "REPORT RequestId" in messages
    assert [group["logGroupName"] for group in groups] == ["/aws/lambda/hello"]


def test_a_function_made_by_the_aws_cli_runs(aws: Run, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    subprocess.run(
        [sys.executable, "-m", "zipfile", "-c", "made.zip", "app.py"], cwd=tmp_path, check=True
    )
    create = ("lambda", "create-function", "--function-name", "made", "--handler", "app.handler")
    role = "arn:aws:iam::000000000000:role/any"
    more = ("--runtime", "python3.12", "--role", role, "--zip-file", "fileb://made.zip")

    assert json.loads(aws(*create, *more).stdout)["State"] == "Pending"
    aws("lambda", "wait", "function-active-v2", "--function-name", "made")
    aws("lambda", "invoke", "--function-name", "made", "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {"greeting": "Hello", "event": {}}
    aws("lambda", "delete-function", "--function-name", "made")


def test_lambda_emulator_invoke_prints_the_answer_and_the_log(own: Run, tmp_path: Path) -> None:
    (tmp_path / "put.json").write_text(json.dumps(PUT))

    done = own("invoke", "hello", "--event", "put.json")

    assert json.loads(done.stdout) == {"greeting": "Hello", "event": PUT}
    assert re.search(
        r"^got \{'Records'.*^REPORT RequestId: ", done.stderr, re.DOTALL | re.MULTILINE
    )


def test_lambda_emulator_invoke_tells_failures_by_its_status(own: Run) -> None:
    failed = own("invoke", "hello", "--payload", '{"fail": true}', status=1)
    assert json.loads(failed.stdout)["errorType"] == "ValueError"
    assert failed.stderr.endswith("error: hello failed: ValueError: as asked\n")

    refused = own("invoke", "helo", status=2)
    assert refused.stdout == ""
    assert 'function "helo" is not registered' in refused.stderr
    assert 'Did you mean "hello"?' in refused.stderr


def test_lambda_emulator_list_and_logs(own: Run) -> None:
    own("invoke", "hello", "--payload", '"once more"')

    assert re.search(r"^hello +python3\.\d+ +app\.handler +3 s +128 MiB", own("list").stdout, re.M)
    [listed] = json.loads(own("list", "--json").stdout)
    assert listed["name"] == "hello"
    assert "got once more" in own("logs", "hello").stdout


def test_a_queue_is_watched_and_its_retries_are_brought_on(own: Run) -> None:
    own("clock", "freeze")
    own("invoke", "hello", "--type", "Event", "--payload", '{"fail": true}')
    own("settle")
    heading, row = own("queue").stdout.splitlines()
    assert heading.split() == ["FUNCTION", "EVENTS", "RUNNING", "ATTEMPTS", "OLDEST", "NEXT", "DUE"]
    assert row.split() == ["hello", "1", "0", "1", "0.0", "s", "in", "60.0", "s"]
    assert own("clock", "advance", "60").stdout.endswith("(frozen)\n")
    own("settle")
    queue = json.loads(own("queue", "--json").stdout)
    assert (queue["depth"], queue["functions"][0]["attempts"]) == (1, 2)
    assert queue["oldest_age_s"] == pytest.approx(60, abs=0.1)
    own("clock", "advance", "120")
    own("settle")
    assert "1 were given up" in own("queue").stderr
    assert "frozen" not in own("clock", "run").stdout
    own("reset")


def test_metrics_are_read_with_the_aws_cli(own: Run, aws: Run) -> None:
    own("invoke", "hello")
    shown = aws(
        *("cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda"),
        *("--metric-name", "Invocations", "--dimensions", "Name=FunctionName,Value=hello"),
        *("--start-time", "2020-01-01T00:00:00Z", "--end-time", "2100-01-01T00:00:00Z"),
        *("--period", "60", "--statistics", "Sum"),
    )
    assert sum(point["Sum"] for point in json.loads(shown.stdout)["Datapoints"]) >= 1
