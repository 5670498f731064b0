"""What an execution environment does with handlers that behave, and with those that do not."""

import contextlib
import json
import os
import re
import socket
import textwrap
import threading
import time
from pathlib import Path

import pytest

from emulator.model import InvocationResult, LambdaError, Status
from emulator.observe import Activity, LogBook
from emulator.sandbox import Environments
from emulator.sandbox.environment import Environment
from tests.sandbox.conftest import MakeFunction, Run, Terminal, needs_namespaces


def has_started(marker: str) -> bool:
    """Wait until a process with `marker` shows: while it execs it has no command line."""
    deadline = time.monotonic() + 5
    while not processes_running(marker) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return bool(processes_running(marker))


ECHO = """
def handler(event, context):
    print("got", event)
    return event
"""


def error_of(result: InvocationResult) -> tuple[str, str]:
    assert result.function_error == "Unhandled"
    body = json.loads(result.payload)
    return body["errorType"], body["errorMessage"]


def processes_running(marker: str) -> list[str]:
    """Processes of this machine with `marker` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if marker in command:
            found.append(command)
    return found


def test_a_result_comes_back_as_the_runtime_wrote_it(function: MakeFunction, run: Run) -> None:
    result = run(function(ECHO), {"a": [1, "é"]})
    assert result.payload == b'{"a": [1, "\\u00e9"]}'  # python3.11 escapes, 3.12 does not
    assert (result.status, result.function_error) == (Status.SUCCESS, None)


def test_the_log_holds_the_platform_lines_around_the_output(
    function: MakeFunction, run: Run, log_book: LogBook, terminal: Terminal
) -> None:
    version = function(ECHO, log_group="/tests/log-lines")
    result = run(version, {"n": 1})
    lines = result.log.text.decode().splitlines()
    assert lines[0].startswith("INIT_START Runtime Version: python:3.11")
    assert lines[1].startswith("START RequestId: ")
    assert lines[1].endswith(" Version: $LATEST")
    assert lines[2] == "got {'n': 1}"
    assert lines[3].startswith("END RequestId: ")
    report = lines[4].split("\t")
    assert [part.split(":")[0] for part in report] == [
        "REPORT RequestId",
        "Duration",
        "Billed Duration",
        "Memory Size",
        "Max Memory Used",
        "Init Duration",
        "",
    ]
    stream = log_book.tail("/tests/log-lines").events
    assert [event.message for event in stream] == lines
    assert "[$LATEST]" in stream[0].stream
    assert "got {'n': 1}\n" in terminal.text


def test_a_warm_environment_is_used_again_and_pays_no_init(
    function: MakeFunction, run: Run
) -> None:
    version = function("n = 0\ndef handler(e, c):\n    global n; n += 1; return n")
    first, second = run(version), run(version)
    assert (first.payload, second.payload) == (b"1", b"2")
    assert first.environment_id == second.environment_id
    assert first.init_ms is not None
    assert second.init_ms is None
    assert "Init Duration" not in second.log.text.decode()


@needs_namespaces
def test_the_environment_knows_itself_by_name(function: MakeFunction, run: Run) -> None:
    source = """
        import socket
        def handler(event, context):
            return [socket.gethostbyname(name) for name in ("sandbox.localdomain", "localhost")]
    """
    assert json.loads(run(function(source)).payload) == ["127.0.0.1"] * 2


def test_a_handler_exception_keeps_the_environment(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        n = 0
        def handler(event, context):
            global n; n += 1
            if event.get("fail"):
                raise KeyError("x")
            return n
        """
    )
    run(version)
    failed = run(version, {"fail": True})
    assert error_of(failed) == ("KeyError", "'x'")
    body = json.loads(failed.payload)
    assert list(body) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert re.match(r'  File ".*/app.py", line 6, in handler\n', body["stackTrace"][0])
    assert "[ERROR] KeyError: 'x'\rTraceback" in failed.log.text.decode()
    assert run(version).payload == b"3"


def test_a_timed_out_environment_is_reset_and_keeps_its_tmp(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        import os, tempfile
        KEPT = os.path.join(tempfile.gettempdir(), "kept")
        def handler(event, context):
            if event.get("loop"):
                open(KEPT, "w").close()
                while True:
                    pass
            return [os.getpid(), os.path.exists(KEPT)]
        """,
        timeout_s=1,
    )
    result = run(version, {"loop": True})
    error_type, message = error_of(result)
    assert error_type == "Sandbox.Timedout"
    assert message.endswith(" Error: Task timed out after 1.00 seconds")
    assert result.status is Status.TIMEOUT
    assert result.log.text.decode().rstrip().endswith("Status: timeout")
    again = run(version)
    assert json.loads(again.payload)[1] is True
    assert again.environment_id == result.environment_id


EXITS = [
    ("os._exit(3)", "Runtime exited with error: exit status 3"),
    ("sys.exit(0)", "Runtime exited without providing a reason"),
    ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ("os.kill(os.getpid(), 14)", "Runtime exited with error: signal: alarm clock"),
    ("os.kill(os.getpid(), 40)", "Runtime exited with error: signal: signal 40"),
    ("os.abort()", "Runtime exited with error: signal: aborted"),
]


@pytest.mark.parametrize(("statement", "text"), EXITS)
def test_a_runtime_that_ends_is_told_and_started_anew(
    function: MakeFunction, run: Run, statement: str, text: str
) -> None:
    version = function(
        f"""
        import os, sys
        def handler(event, context):
            if event.get("end"):
                {statement}
            return "fine"
        """
    )
    result = run(version, {"end": True})
    error_type, message = error_of(result)
    assert error_type == "Runtime.ExitError"
    assert message.endswith(f" Error: {text}")
    assert run(version).payload == b'"fine"'


def test_a_function_that_eats_memory_is_killed_at_its_limit(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        def handler(event, context):
            hoard = []
            while True:
                hoard.append(bytearray(1_000_000))
        """,
        memory_mib=128,
        timeout_s=30,
    )
    result = run(version)
    error_type, message = error_of(result)
    assert error_type == "Runtime.ExitError"
    assert message.endswith("signal: killed")
    assert result.error_type == "Runtime.OutOfMemory"
    assert "Max Memory Used: 128 MB" in result.log.text.decode()
    assert result.duration_ms < 10_000


def test_ten_megabytes_of_output_do_not_block_and_keep_their_end(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        def handler(event, context):
            for number in range(100_000):
                print(f"{number:099d}")
            return "done"
        """,
        timeout_s=30,
    )
    result = run(version)
    assert result.payload == b'"done"'
    lines = result.log.text.decode().splitlines()
    assert lines[-3] == f"{99_999:099d}"
    assert len(result.log.text) <= 256 * 1024


@needs_namespaces
def test_a_child_left_behind_ends_with_its_environment(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    seconds = f"98765.{os.getpid()}"
    version = function(
        f"""
        import subprocess
        def handler(event, context):
            subprocess.Popen(["setsid", "sleep", "{seconds}"])
            return "left"
        """
    )
    assert run(version).payload == b'"left"'
    assert has_started(seconds)
    environments.retire(version)
    environments.settle()
    assert not processes_running(seconds)


INIT_ERRORS = [
    (
        {"file": "other.py"},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'app'",
    ),
    (
        {"source": "def handler(:\n"},
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
    ),
    (
        {"handler": "app.missing"},
        "Runtime.HandlerNotFound",
        "Handler 'missing' missing on module 'app'",
    ),
    (
        {"handler": "app"},
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
    ),
    (
        {"handler": "sys.exit"},
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
    ),
    ({"source": "raise ValueError('at import')"}, "ValueError", "at import"),
]


@pytest.mark.parametrize(("settings", "error_type", "text"), INIT_ERRORS)
def test_an_init_error_is_the_answer_of_the_invocation(
    function: MakeFunction, run: Run, settings: dict[str, str], error_type: str, text: str
) -> None:
    source = settings.pop("source", ECHO)
    result = run(function(source, **settings))
    assert error_of(result) == (error_type, text)
    assert json.loads(result.payload)["requestId"] == ""
    log = result.log.text.decode()
    assert "\tPhase: init\tStatus: error\tError Type: " in log
    assert "\tPhase: invoke\tStatus: error\tError Type: " in log


def test_a_result_that_is_not_json_is_a_marshal_error(function: MakeFunction, run: Run) -> None:
    result = run(function("def handler(event, context):\n    return {1, 2}"))
    assert error_of(result) == (
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    )


def test_a_response_over_six_megabytes_is_refused_and_the_environment_lives(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        "n = 0\ndef handler(size, c):\n    global n; n += 1; return 'x' * size if size else n"
    )
    result = run(version, 6_291_555)
    assert error_of(result) == (
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    )
    assert len(run(version, 6_291_554).payload) == 6_291_556
    assert run(version, 0).payload == b"3"


def test_the_context_object_and_the_variables_are_lambdas(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        import os, sys
        def handler(event, context):
            return {
                "context": [
                    context.function_name, context.function_version, context.memory_limit_in_mb,
                    context.invoked_function_arn, context.identity.cognito_identity_id,
                    context.client_context.custom, context.log_group_name,
                ],
                "remaining": context.get_remaining_time_in_millis(),
                "environ": dict(os.environ),
                "path": sys.path,
                "cwd": os.getcwd(),
            }
        """,
        memory_mib=256,
        environment={"TABLE": "orders"},
    )
    result = run(version, client_context='{"custom": {"é": 1}}')
    seen = json.loads(result.payload)
    assert seen["context"] == [
        "tested",
        "$LATEST",
        "256",
        version.arn,
        None,
        {"é": 1},
        "/aws/lambda/tested",
    ]
    assert 2_000 < seen["remaining"] <= 3_000
    environ = seen["environ"]
    assert environ["TABLE"] == "orders"
    assert environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environ["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert environ["TZ"] == ":UTC"
    assert environ["_HANDLER"] == "app.handler"
    assert "HOME" not in environ
    assert not any("emulator" in entry or entry == "site-packages" for entry in seen["path"])
    assert seen["path"][0] == environ["LAMBDA_TASK_ROOT"] == seen["cwd"]


@needs_namespaces
def test_a_function_sees_its_code_read_only_and_a_tmp_of_its_own(
    function: MakeFunction, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "host-file").touch()
    version = function(
        f"""
        import os
        def handler(event, context):
            seen = [os.listdir("/tmp"), os.path.exists({str(tmp_path)!r}), os.listdir("/var/task")]
            try:
                open("/var/task/x", "w")
            except OSError as error:
                seen.append(error.strerror)
            return seen
        """
    )
    assert json.loads(run(version).payload) == [[], False, ["app.py"], "Read-only file system"]


@needs_namespaces
def test_tmp_is_full_at_its_size_and_does_not_count_as_memory(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        def handler(event, context):
            block = bytes(1024 * 1024)
            with open("/tmp/file", "wb") as file:
                for written in range(1000):
                    try:
                        file.write(block)
                        file.flush()
                    except OSError as error:
                        return [written, str(error)]
        """,
        ephemeral_storage_mib=100,
        memory_mib=128,
    )
    result = run(version)
    written, error = json.loads(result.payload)
    assert error == "[Errno 28] No space left on device"
    assert 98 <= written <= 100
    assert result.max_memory_mib is not None
    assert result.max_memory_mib < 80


def test_a_call_that_comes_when_its_code_is_retired_leaves_no_environment_behind(
    environments: Environments, function: MakeFunction, run: Run
) -> None:
    version = function(ECHO)
    environments.retire(version)
    assert run(version, 1).payload == b"1"
    deadline = time.monotonic() + 5
    while version.code in environments.code_in_use() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert version.code not in environments.code_in_use()


@needs_namespaces
def test_boto3_is_there_already_but_a_functions_own_copy_wins(
    function: MakeFunction, run: Run
) -> None:
    source = "import boto3\ndef handler(e, c):\n    return boto3.__file__"
    shared = function(source)
    assert json.loads(run(shared).payload) == "/var/runtime/boto3/__init__.py"
    own = function(source)
    (own.code.folder / "boto3").mkdir()
    (own.code.folder / "boto3" / "__init__.py").touch()
    assert json.loads(run(own).payload) == "/var/task/boto3/__init__.py"


def test_functions_do_not_see_the_emulators_own_packages(function: MakeFunction, run: Run) -> None:
    result = run(function("import flask\ndef handler(e, c):\n    return 1"))
    assert error_of(result)[1] == "Unable to import module 'app': No module named 'flask'"


def test_a_bootstrap_of_its_own_speaks_the_runtime_api(function: MakeFunction, run: Run) -> None:
    source = """\
        #!/bin/sh
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        while true; do
          event=$(curl -sS -D "${TMPDIR:-/tmp}/headers" "$api/next")
          id=$(grep -i aws-request-id "${TMPDIR:-/tmp}/headers" | tr -d '[:space:]' | cut -d: -f2)
          curl -sS -o /dev/null -X POST "$api/$id/response" -d "{\\"echo\\": $event}"
        done
        """
    settings = {"file": "bootstrap", "runtime": "provided.al2023"}
    version = function(source, mode=0o755, **settings)
    assert [run(version, n).payload for n in (1, 2)] == [b'{"echo": 1}', b'{"echo": 2}']
    refused = run(function(source, mode=0o644, **settings))
    error_type, message = error_of(refused)
    assert error_type == "Runtime.InvalidEntrypoint"
    assert message.endswith("/bootstrap: permission denied")


def test_a_runtime_that_cannot_run_here_says_what_can(function: MakeFunction, run: Run) -> None:
    with pytest.raises(LambdaError, match="dotnet8 runs in Docker only") as caught:
        run(function(ECHO, runtime="dotnet8"))
    assert caught.value.code == "InvalidRuntimeException"


def test_another_python_than_asked_for_is_announced(
    function: MakeFunction, run: Run, terminal: Terminal
) -> None:
    result = run(function(ECHO, runtime="python3.99"), {})
    assert result.status is Status.SUCCESS
    substituted = [fields for name, fields in terminal.reports if name == "runtime.substituted"]
    assert [fields["runtime"] for fields in substituted] == ["python3.99"]


def test_many_requests_at_once_do_not_confuse_the_zygote(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    versions = [function(ECHO) for _ in range(20)]
    for version in versions:
        environments.prepare(version)
    for version in versions:  # kills that arrive together
        environments.retire(version)
    environments.settle()
    assert run(function(ECHO), 1).payload == b"1"


def test_who_follows_a_log_sees_an_invocation_start_while_its_handler_runs(
    function: MakeFunction, run: Run, log_book: LogBook
) -> None:
    source = """
        import socket

        def handler(event, context):
            if event["port"]:
                with socket.create_connection(("127.0.0.1", event["port"])) as caller:
                    caller.recv(1)
    """
    version = function(textwrap.dedent(source), log_group="/tests/start-line")
    run(version, {"port": 0})  # cold, and answered before anybody waits for long
    run(version, {"port": 0})
    before = log_book.tail("/tests/start-line").position
    with socket.create_server(("127.0.0.1", 0)) as listener:
        event = {"port": listener.getsockname()[1]}
        running = threading.Thread(target=run, args=(version, event))
        running.start()
        listener.settimeout(5)
        handler, _ = listener.accept()
        with handler:
            page = log_book.follow("/tests/start-line", before, 5.0)
            assert [line.message[:16] for line in page.events] == ["START RequestId:"]
        running.join()


@pytest.mark.parametrize("broken", ["finish", "finish_slowly"])
def test_an_environment_that_breaks_when_its_caller_has_the_answer_is_stopped(
    function: MakeFunction,
    run: Run,
    environments: Environments,
    activity: Activity,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    def fail(_: Environment) -> None:
        raise RuntimeError("a bug")

    version = function("def handler(event, context):\n    return 1")
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "finish", lambda _: False)
        patch.setattr(Environment, broken, fail)
        with contextlib.suppress(RuntimeError):
            run(version)
        assert activity.wait_idle(10)
    assert environments.settle()
    assert version.code not in environments.code_in_use()
    assert run(version).payload == b"1"
