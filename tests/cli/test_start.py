"""The server as a process of its own, from its first line to its last."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

DEADLINE_S = 20
TOML = """
[functions.hello]
code = "hello"
handler = "app.handler"
runtime = "python3.{minor}"
timeout_s = 9

[[functions.hello.triggers]]
source = "s3"
bucket = "photos"
events = ["s3:ObjectCreated:*"]
prefix = "in/"

[resources]
buckets = ["photos"]
"""
CODE = """
import time
def handler(event, context):
    if event:
        print("running", flush=True)
        time.sleep(event["sleep"])
    return ANSWER
"""


class Started:
    """A running `lambda-emulator start`; its stderr is read as it comes."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        (folder / "hello").mkdir()
        self.save(0)
        minor = sys.version_info.minor
        (folder / "emulator.toml").write_text(TOML.format(minor=minor))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "start", "--port", "0", *options, str(folder)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._has_line = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.wait("Ready on (.*)")[1]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._has_line:
                self.lines.append(line.rstrip("\n"))
                self._has_line.notify_all()

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches as a whole."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.fullmatch(pattern, line) for line in self.lines)), None)

        with self._has_line:
            match = self._has_line.wait_for(found, DEADLINE_S)
        assert match, self.lines
        return match

    def save(self, answer: int) -> None:
        (self.folder / "hello" / "app.py").write_text(CODE.replace("ANSWER", str(answer)))

    def invoke(self, payload: str = "{}") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "emulator", "invoke", "hello", "--payload", payload]
        return subprocess.Popen(
            [*command, "--endpoint-url", self.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, number: int) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        self.process.send_signal(number)
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        status = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status

    @property
    def run_folders(self) -> list[Path]:
        pattern = f"lambda-emulator-{self.process.pid}-*"
        return list(Path(tempfile.gettempdir()).glob(pattern))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    if started.process.poll() is None:
        assert started.stop(signal.SIGTERM) == 0
    assert not any("Traceback" in line for line in started.lines), "\n".join(started.lines)


def test_functions_and_addresses_are_told_before_the_server_is_ready(started: Started) -> None:
    ready = started.lines.index(f"Ready on {started.url}")
    heading, row, *addresses = [line for line in started.lines[:ready] if line]
    assert heading.split() == ["FUNCTION", "RUNTIME", "RUNS", "ON", "TIMEOUT", "MEMORY", "TRIGGERS"]
    runtime = f"python3.{sys.version_info.minor}"
    assert re.fullmatch(
        rf"hello +{runtime} +/\S+ +9 s +128 MiB +s3://photos/in/\* ObjectCreated:\*", row
    )
    assert addresses == [
        f"AWS APIs            --endpoint-url {started.url}",
        f"Functions by HTTP   {started.url}/fn/NAME",
    ]


def test_a_save_is_told_and_runs_at_the_next_invocation(started: Started) -> None:
    assert started.invoke().communicate(timeout=DEADLINE_S)[0] == "0\n"
    started.wait("invoke.finished function=hello .*status=ok cold=true.*")
    started.save(1)
    assert started.invoke().communicate(timeout=DEADLINE_S)[0] == "1\n"
    started.wait(r"reload.finished function=hello changed=app\.py ms=[\d.]+")


def test_the_first_signal_lets_what_runs_finish_and_leaves_nothing_behind(
    started: Started,
) -> None:
    call = started.invoke('{"sleep": 1}')
    started.wait("running")
    assert started.stop(signal.SIGTERM) == 0
    assert call.communicate(timeout=DEADLINE_S)[0] == "0\n"
    assert "Waiting for 1 invocation; Ctrl-C stops at once." in started.lines
    assert started.run_folders == []


def test_the_second_signal_stops_at_once(started: Started) -> None:
    call = started.invoke('{"sleep": 8}')
    started.wait("running")
    started.process.send_signal(signal.SIGINT)
    started.wait("Waiting for 1 invocation; Ctrl-C stops at once.")
    assert started.stop(signal.SIGINT) == 130
    call.communicate(timeout=DEADLINE_S)
    assert call.returncode == 2


def test_programs_get_one_json_object_a_line(tmp_path: Path) -> None:
    started = Started(tmp_path, "--log-format", "json")
    started.invoke().communicate(timeout=DEADLINE_S)
    assert started.stop(signal.SIGINT) == 0
    events = [json.loads(line) for line in started.lines if line.startswith("{")]
    assert [event["event"] for event in events] == ["function.deployed", "invoke.finished"]
    assert events[0]["timeout_s"] == 9
    assert len(events) == len(started.lines) - 1  # and the line that says where


def test_without_a_watch_a_save_changes_nothing_that_runs(tmp_path: Path) -> None:
    started = Started(tmp_path, "--no-watch")
    assert started.invoke().communicate(timeout=DEADLINE_S)[0] == "0\n"
    started.save(1)
    assert started.invoke().communicate(timeout=DEADLINE_S)[0] == "0\n"
    assert started.stop(signal.SIGINT) == 0
