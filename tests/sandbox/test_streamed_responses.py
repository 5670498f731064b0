"""What an environment does with a runtime that streams its answers."""

import json
import shutil
import socket

import pytest

from emulator.model import FunctionVersion, InvocationResult, Status
from emulator.model.limits import SYNC_RESPONSE_BYTES
from emulator.sandbox import Environments
from tests.sandbox.conftest import MakeFunction, Run
from tests.sandbox.streaming_runtimes import IN_BASH, IN_PYTHON


@pytest.fixture
def streaming(function: MakeFunction) -> FunctionVersion:
    return function(IN_PYTHON, file="bootstrap", mode=0o755, runtime="provided.al2023")


def error_of(result: InvocationResult) -> tuple[str, str]:
    assert result.function_error == "Unhandled"
    body = json.loads(result.payload)
    return body["errorType"], body["errorMessage"]


def test_a_buffered_caller_gets_what_was_streamed(
    streaming: FunctionVersion, run_to_idle: Run
) -> None:
    result = run_to_idle(streaming, {"chunks": ["one ", "two ", "three"]})
    assert result.payload == b"one two three"
    assert (result.status, result.function_error) == (Status.SUCCESS, None)
    assert result.streamed_bytes is None
    assert run_to_idle(streaming, {"chunks": ["again"]}).environment_id == result.environment_id


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_shell_script_can_stream(function: MakeFunction, run_to_idle: Run) -> None:
    version = function(IN_BASH, file="bootstrap", mode=0o755, runtime="provided.al2023")
    assert run_to_idle(version, {"n": 1}).payload == b'one two {"n": 1}\n'


def test_an_error_in_the_middle_is_the_answer_of_a_buffered_caller(
    streaming: FunctionVersion, run_to_idle: Run
) -> None:
    result = run_to_idle(streaming, {"fail": "half way"})
    assert error_of(result) == ("Runtime.Midway", "half way")
    assert result.error_type == "Runtime.Midway"


def test_a_process_that_ends_in_the_middle_is_an_exit(
    streaming: FunctionVersion, run_to_idle: Run
) -> None:
    result = run_to_idle(streaming, {"do": "exit"})
    error_type, message = error_of(result)
    assert error_type == "Runtime.ExitError"
    assert message.endswith("Runtime exited with error: exit status 3")
    assert run_to_idle(streaming).payload == b"one two"


def test_a_connection_cut_in_the_middle_is_a_truncated_response(
    streaming: FunctionVersion, run_to_idle: Run
) -> None:
    result = run_to_idle(streaming, {"do": "cut"})
    assert error_of(result)[0] == "Runtime.TruncatedResponse"
    again = run_to_idle(streaming)
    assert (again.payload, again.environment_id) == (b"one two", result.environment_id)
    assert again.init_ms is None  # the process lives


def test_a_buffered_caller_gets_no_more_than_six_megabytes(
    streaming: FunctionVersion, run_to_idle: Run
) -> None:
    result = run_to_idle(streaming, {"blocks": 97})
    assert error_of(result) == (
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size "
        f"({SYNC_RESPONSE_BYTES} bytes).",
    )
    again = run_to_idle(streaming)
    assert again.environment_id == result.environment_id
    assert "told 413" in (result.log.text + again.log.text).decode()


class StuckSink:
    """A reader that never takes anything."""

    def __init__(self) -> None:
        self.taken = 0
        self._wake, self._ring = socket.socketpair()

    def begin(self, content_type: str) -> None: ...

    def write(self, data: bytes) -> bool:
        self.taken += len(data)
        return False

    def fileno(self) -> int:
        return self._wake.fileno()

    def resume(self) -> None: ...

    def close(self) -> None:
        self._wake.close()
        self._ring.close()


def test_a_reader_that_is_stuck_does_not_stop_the_functions_timeout(
    function: MakeFunction, environments: Environments, run_to_idle: Run
) -> None:
    version = function(
        IN_PYTHON, file="bootstrap", mode=0o755, runtime="provided.al2023", timeout_s=1
    )
    sink = StuckSink()
    run_to_idle(version)
    result = run_to_idle(version, {"blocks": 1_000}, sink=sink)
    sink.close()
    assert error_of(result)[0] == "Sandbox.Timedout"
    assert sink.taken < 2_000_000
    assert run_to_idle(version).payload == b"one two"
