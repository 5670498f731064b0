"""The log of the Python runtime, without an environment around it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).parents[2] / "emulator" / "runtimes" / "python"
HEAD = """
import io, logging, sys
import runtime_log
handler = runtime_log.install()
handler.request_id, handler.tenant_id = "r-1", "blue"
"""


def output_of(source: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", HEAD + source],
        cwd=RUNTIME,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )


def json_lines(source: str) -> list[dict[str, Any]]:
    done = output_of(source, AWS_LAMBDA_LOG_FORMAT="JSON")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_json_line_names_request_and_tenant() -> None:
    [line] = json_lines("logging.getLogger('a.b').warning('hot', extra={'degrees': 38.5})")
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "WARNING",
        "message": "hot",
        "logger": "a.b",
        "requestId": "r-1",
        "tenantId": "blue",
        "degrees": 38.5,
    }


def test_a_level_between_two_is_the_lower_one() -> None:
    lines = json_lines("for level in (25, 60): logging.log(level, 'x')")
    assert [line["level"] for line in lines] == ["INFO", "CRITICAL"]


def test_an_extra_does_not_replace_what_the_runtime_says() -> None:
    [line] = json_lines("logging.warning('x', extra={'level': 'mine', 'requestId': 'mine'})")
    assert (line["level"], line["requestId"]) == ("WARNING", "r-1")


def test_an_extra_that_is_no_json_is_told_as_an_error_of_logging() -> None:
    done = output_of("logging.warning('x', extra={'it': object()})", AWS_LAMBDA_LOG_FORMAT="JSON")
    assert done.stdout == ""
    assert "Logging error" in done.stderr
    assert "not JSON serializable" in done.stderr


def test_a_function_may_put_another_stream_in_the_place_of_stdout() -> None:
    source = """
real, sys.stdout = sys.stdout, io.StringIO()
logging.warning("one\\ntwo")
text, sys.stdout = sys.stdout.getvalue(), real
print(text, end="")
"""
    first, second = output_of(source).stdout.splitlines()
    assert first.startswith("[WARNING]\t")
    assert first.endswith("Z\tr-1\tone")
    assert second == "two"
