"""Ctrl-C in the middle of everything: no process, no folder, no traceback."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import processes_of, wait_until
from tests.end_to_end.project_folder import ProjectFolder, save_by_rename
from tests.running_emulator import RunningEmulator, started_emulator

GRACE_S = 10  # the contract: what runs may take so long to finish
TOP = """
[resources]
buckets = ["photos"]
"""
TRIGGER = """
timeout_s = 30
[[functions.eager.triggers]]
source = "s3"
bucket = "photos"
events = ["s3:ObjectCreated:*"]
"""
SOURCE = """
import os, socket, subprocess, sys, time
# {comment}
def handler(event, context):
    if isinstance(event, dict):
        time.sleep(0.02)  # an upload
    elif event == "loop":
        while True:
            pass
    elif event == "eat":
        x = b"x" * (1 << 30)
    elif event == "exit":
        os._exit(1)
    elif event == "child":
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        subprocess.Popen(command, start_new_session=True)
    elif event == "print":
        print(*range(9999), sep=chr(10))
    elif isinstance(event, list):
        with socket.create_connection(event):
            time.sleep(25)
    else:
        time.sleep(event)
    return "done"
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path / "project", TOP)
    folder.add("eager", SOURCE, TRIGGER)
    folder.add("other", SOURCE, "timeout_s = 2")
    folder.add("idle", SOURCE, "timeout_s = 60")
    with started_emulator(folder.path) as emulator:
        emulator.settle()
        yield emulator


@contextmanager
def everything_going_on(emulator: RunningEmulator, source: Path) -> Iterator[None]:
    """Callers, uploads, events and saves, until the block ends."""
    is_over = threading.Event()
    config = Config(max_pool_connections=20, retries={"total_max_attempts": 1}, read_timeout=20)
    functions = emulator.client("lambda", config=config)
    s3 = emulator.client("s3", config=config)

    def call(event: object) -> None:
        invoke(functions, "other", event)

    def upload(number: object) -> None:
        s3.put_object(Bucket="photos", Key=f"{number}.jpg", Body=b"x" * 100_000)
        functions.invoke(FunctionName="eager", InvocationType="Event", Payload=b"0.01")

    def save(_: object) -> None:
        save_by_rename(source, SOURCE.replace("{comment}", str(time.monotonic())))
        is_over.wait(0.1)

    def again_and_again(what: Callable[[object], None], argument: object) -> None:
        while not is_over.is_set():
            with suppress(BotoCoreError, ClientError, AssertionError, ValueError):
                what(argument)
            is_over.wait(0.001)

    events = ("loop", "eat", "exit", "child", "print", 0.01, 0.5)
    work: list[tuple[Callable[[object], None], object]] = [(call, event) for event in events]
    work += [(upload, number) for number in range(4)] + [(save, None)]
    with ThreadPoolExecutor(len(work)) as threads:
        for what, argument in work:
            threads.submit(again_and_again, what, argument)
        try:
            yield
        finally:
            is_over.set()


def assert_nothing_is_left(emulator: RunningEmulator) -> None:
    assert wait_until(lambda: not processes_of(emulator.scratch), timeout_s=5)
    assert wait_until(lambda: not os.listdir(emulator.scratch), timeout_s=5)
    before, traceback, after = emulator.output.partition("Traceback")
    assert not traceback, before[-1000:] + traceback + after[:4000]


def test_a_stop_in_the_middle_of_everything_is_clean(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    with everything_going_on(emulator, tmp_path / "project" / "eager" / "app.py"):
        assert wait_until(lambda: emulator.output.count("invoke.finished") > 50, timeout_s=30)
        began = time.monotonic()
        emulator.process.send_signal(signal.SIGINT)
        status = emulator.process.wait(GRACE_S + 10)
        took_s = time.monotonic() - began
    assert status == 0
    assert took_s < GRACE_S + 5
    assert_nothing_is_left(emulator)


def test_a_stop_gives_up_on_what_does_not_finish_in_time(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    with ThreadPoolExecutor(2) as callers:
        calls = [callers.submit(invoke, functions, "eager", 25) for _ in range(2)]
        functions.invoke(FunctionName="eager", InvocationType="Event", Payload=b"25")
        assert wait_until(lambda: len(processes_of(emulator.scratch)) >= 6)
        began = time.monotonic()
        emulator.process.send_signal(signal.SIGTERM)
        status = emulator.process.wait(GRACE_S + 10)
        took_s = time.monotonic() - began
        for call in calls:  # each hears of it: by a connection that closes, or in AWS's words
            assert call.exception() is not None or call.result().function_error is not None
    assert status == 0
    assert GRACE_S - 1 < took_s < GRACE_S + 5
    assert "1 accepted event did not get to run" in emulator.output
    assert_nothing_is_left(emulator)


def test_a_second_ctrl_c_stops_at_once(emulator: RunningEmulator, tmp_path: Path) -> None:
    functions = emulator.client("lambda")
    with everything_going_on(emulator, tmp_path / "project" / "eager" / "app.py"):
        assert wait_until(lambda: emulator.output.count("invoke.finished") > 50, timeout_s=30)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            payload = json.dumps(listener.getsockname())
            functions.invoke(FunctionName="idle", InvocationType="Event", Payload=payload)
            listener.settimeout(30)
            listener.accept()[0].close()  # one that had not begun would not hold the stop up
        emulator.process.send_signal(signal.SIGINT)
        emulator.wait_for_output("Ctrl-C stops at once")
        began = time.monotonic()
        emulator.process.send_signal(signal.SIGINT)
        assert emulator.process.wait(5) != 0
        assert time.monotonic() - began < 2
    assert_nothing_is_left(emulator)


def test_a_start_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path / "project", TOP)
    folder.add("eager", SOURCE, TRIGGER)
    with started_emulator(folder.path) as emulator:  # S3 still loads in the background
        emulator.process.send_signal(signal.SIGINT)
        assert emulator.process.wait(10) == 0
        assert_nothing_is_left(emulator)


def test_a_terminal_that_nobody_reads_delays_neither_functions_nor_the_stop(
    tmp_path: Path,
) -> None:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("noisy", "def handler(event, context):\n    print('x' * 1_000_000)\n")
    command = [sys.executable, "-m", "emulator", "start", "--port", "0", str(folder.path)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {"TMPDIR": str(scratch)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    with process.stderr:
        ready = next(line for line in process.stderr if line.startswith("Ready on "))
        for _ in range(8):  # more than the emulator keeps for a terminal that is slow
            request = urllib.request.Request(f"{ready.split()[-1]}/fn/noisy", method="POST")
            urllib.request.urlopen(request, timeout=10).close()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(GRACE_S) == 0
        finally:
            process.kill()
    assert list(scratch.iterdir()) == []
