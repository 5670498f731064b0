"""Many callers, and functions that crash and time out among them: each is answered, nothing leaks.

INVOCATIONS=10000 tries more than the suite has time for; what was counted is printed.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.config import Config

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

INVOCATIONS = int(os.environ.get("INVOCATIONS", "400"))
CALLERS = 32
# Those that the first invocations bring and that stay; all others end after 10 s without work.
THREADS_THAT_STAY = 4
TOP = """
[emulator]
idle_timeout_s = 1
"""
SOURCE = """
import os, time
def handler(event, context):
    if event % 100 == 33:
        os._exit(3)
    if event % 100 == 66:
        time.sleep(60)
    return event
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="what is open is counted in /proc"),
]


@dataclass(frozen=True, slots=True)
class Census:
    """What there is that could leak."""

    processes: int
    threads: int
    descriptors: int
    folders: int


def census(emulator: RunningEmulator) -> Census:
    own = psutil.Process(emulator.process.pid)
    return Census(
        processes=len(own.children(recursive=True)),
        threads=own.num_threads(),
        descriptors=own.num_fds(),
        folders=len(list(emulator.scratch.glob("*/environments/*"))),
    )


def resident_mib(emulator: RunningEmulator) -> float:
    return psutil.Process(emulator.process.pid).memory_info().rss / 1024**2


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path / "project", TOP)
    folder.add("patient", SOURCE, "timeout_s = 5")
    with running_emulator(folder.path) as emulator:
        yield emulator


def outcome(functions: Any, number: int) -> str:
    answer = invoke(functions, "patient", number)
    if answer.function_error is None:
        assert answer.document == number
        return "answered"
    return str(answer.document["errorType"])


def call_all(functions: Any, numbers: range) -> Counter[str]:
    with ThreadPoolExecutor(CALLERS) as callers:
        return Counter(callers.map(lambda number: outcome(functions, number), numbers))


def test_each_of_many_invocations_is_answered_and_nothing_leaks(emulator: RunningEmulator) -> None:
    config = Config(
        max_pool_connections=CALLERS, retries={"total_max_attempts": 1}, read_timeout=60
    )
    functions = emulator.client("lambda", config=config)
    most_threads = census(emulator).threads + THREADS_THAT_STAY
    call_all(functions, range(100))  # what is made once
    assert wait_until(lambda: census(emulator).folders == 0, timeout_s=30)
    settled = replace(census(emulator), threads=most_threads)
    memory = resident_mib(emulator)

    began = time.monotonic()
    outcomes = call_all(functions, range(INVOCATIONS))
    took_s = time.monotonic() - began

    hundreds = INVOCATIONS // 100
    assert outcomes == {
        "answered": 98 * hundreds,
        "Runtime.ExitError": hundreds,
        "Sandbox.Timedout": hundreds,
    }
    wait_until(lambda: is_within(census(emulator), settled), timeout_s=60)
    after, grown = census(emulator), resident_mib(emulator) - memory
    sys.stderr.write(
        f"\n{INVOCATIONS} invocations by {CALLERS} callers in {took_s:.1f} s: {dict(outcomes)}\n"
        f"before {asdict(settled)}, after {asdict(after)}, memory {grown:+.1f} MiB\n"
    )
    assert is_within(after, settled)
    # What is kept of the newest invocations, for those who ask, comes to rest after 10,000.
    assert grown < 10 + INVOCATIONS / 100


def is_within(after: Census, before: Census) -> bool:
    return all(
        now <= then
        for now, then in zip(asdict(after).values(), asdict(before).values(), strict=True)
    )
