"""Handlers that loop, exit, eat memory, flood the log or leave processes behind."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import processes_of
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

# What `event` names happens once; a handler whose event is null answers with its process number.
SOURCE = """
import os, signal, subprocess, sys, time

def loop_for_ever():
    while True:
        pass

def exit_with_3():
    os._exit(3)

def exit_silently():
    sys.exit(0)

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)

def eat_memory():
    hoard = []
    while True:
        hoard.append(bytearray(b"x" * (8 << 20)))

def eat_memory_in_a_child():
    subprocess.run([sys.executable, "-c", "import time; x = b'x' * (400 << 20); time.sleep(20)"])

def print_10_megabytes():
    line = "x" * 1023
    for _ in range(10 * 1024):
        print(line)
    print("the last line")
    return "printed"

def leave_a_child():
    if os.fork() == 0:
        time.sleep(600)
    return "left"

def leave_a_session():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(command, start_new_session=True)
    return "left"

def close_its_output():
    os.close(1)
    os.close(2)
    return "closed"

def ignore_signals_and_hang():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)

def fork_and_return_twice():
    os.fork()
    return "answered"

def open_all_files():
    files = []
    try:
        while True:
            files.append(open(os.devnull))
    except OSError as error:
        return error.strerror

def handler(event, context):
    if event is None:
        return os.getpid()
    if isinstance(event, dict):  # over HTTP
        event = event["body"]
    return globals()[event]()
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """At its end nothing of all this may be left."""
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("wild", SOURCE, "timeout_s = 1")
    folder.add("patient", SOURCE, "timeout_s = 20")
    folder.add("twins", SOURCE, "timeout_s = 20")
    with running_emulator(folder.path) as emulator:
        yield emulator
    assert processes_of(emulator.scratch) == []


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


EXITS = {
    "exit_with_3": "Error: Runtime exited with error: exit status 3",
    "exit_silently": "Error: Runtime exited without providing a reason",
    "crash": "Error: Runtime exited with error: signal: segmentation fault",
    "kill_itself": "Error: Runtime exited with error: signal: killed",
}


@pytest.mark.parametrize(("way", "message"), EXITS.items(), ids=EXITS)
def test_a_handler_that_ends_its_process_is_told_and_the_next_invocation_works(
    functions: Any, way: str, message: str
) -> None:
    assert invoke(functions, "wild", way).error == ("Runtime.ExitError", message)
    assert isinstance(invoke(functions, "wild").result, int)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["loop_for_ever", "ignore_signals_and_hang"])
def test_a_handler_that_never_returns_is_stopped_at_its_timeout(functions: Any, way: str) -> None:
    answer = invoke(functions, "wild", way)

    assert answer.error == ("Sandbox.Timedout", "Error: Task timed out after 1.00 seconds")
    assert re.search(r"REPORT .*Duration: 1000\.00 ms.*Status: timeout", answer.log)
    assert isinstance(invoke(functions, "wild").result, int)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["eat_memory", "eat_memory_in_a_child"])
def test_a_handler_that_eats_all_memory_is_killed_at_its_limit(functions: Any, way: str) -> None:
    answer = invoke(functions, "patient", way)

    message = "Error: Runtime exited with error: signal: killed"
    assert answer.error == ("Runtime.ExitError", message)
    assert "Max Memory Used: 128 MB" in answer.log
    assert "Runtime.OutOfMemory" in answer.log
    assert isinstance(invoke(functions, "patient").result, int)


@pytest.mark.slow
def test_ten_megabytes_of_output_reach_the_log_and_block_nothing(
    emulator: RunningEmulator, functions: Any
) -> None:
    answer = invoke(functions, "patient", "print_10_megabytes")

    assert answer.result == "printed"
    assert len(answer.log) == 4096
    assert "\nthe last line\nEND RequestId: " in answer.log
    logs = emulator.client("logs")
    found = logs.filter_log_events(
        logGroupName="/aws/lambda/patient", filterPattern='"the last line"'
    )
    assert [event["message"].strip() for event in found["events"]] == ["the last line"]


@pytest.mark.parametrize("way", ["leave_a_child", "leave_a_session"])
def test_a_process_left_behind_does_not_delay_the_answer_nor_the_next_one(
    functions: Any, way: str
) -> None:
    process_id = invoke(functions, "patient").result

    assert invoke(functions, "patient", way).result == "left"
    assert invoke(functions, "patient").result == process_id


def test_a_fork_that_returns_too_does_not_confuse_the_answers(functions: Any) -> None:
    # A function of its own: from here on either twin may take the next event.
    assert invoke(functions, "twins", "fork_and_return_twice").result == "answered"
    for _ in range(5):
        assert isinstance(invoke(functions, "twins").result, int)


def test_a_handler_may_close_its_output_and_goes_on(functions: Any) -> None:
    assert invoke(functions, "patient", "close_its_output").result == "closed"
    assert isinstance(invoke(functions, "patient").result, int)
    assert invoke(functions, "patient", "exit_with_3").function_error == "Unhandled"


def test_files_run_out_for_the_function_alone(functions: Any) -> None:
    assert invoke(functions, "patient", "open_all_files").result == "Too many open files"
    assert isinstance(invoke(functions, "patient").result, int)


@pytest.mark.slow
def test_all_of_them_at_once_leave_a_good_neighbour_alone(functions: Any) -> None:
    ways = ["exit_with_3", "kill_itself", "loop_for_ever", "leave_a_child"] * 4
    with ThreadPoolExecutor(len(ways)) as callers:
        wild = [callers.submit(invoke, functions, "wild", way) for way in ways]
        good = [invoke(functions, "patient").result for _ in range(20)]
        answers = [call.result() for call in wild]

    assert all(isinstance(process_id, int) for process_id in good)
    expected = ["Runtime.ExitError", "Runtime.ExitError", "Sandbox.Timedout", None] * 4
    got = [answer.document["errorType"] if answer.function_error else None for answer in answers]
    assert got == expected


def test_over_http_an_exit_is_a_bad_gateway(emulator: RunningEmulator) -> None:
    body = b"exit_with_3"
    request = urllib.request.Request(
        emulator.endpoint + "/fn/wild", body, {"Content-Type": "text/plain"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as response:
        assert (response.code, response.read()) == (502, b"Internal Server Error")
