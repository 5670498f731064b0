"""Environments that come and go leave nothing: no process, thread, descriptor, folder or mount.

ENVIRONMENTS=500 tries more of them than the suite has time for, and prints what was counted.
"""

import operator
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from emulator.model import CodePackage, FunctionVersion
from emulator.sandbox import Environments, suspension
from tests.end_to_end.processes import wait_until
from tests.sandbox.conftest import MakeFunction, Run, needs_namespaces

Seen = TypeVar("Seen")
COUNT = int(os.environ.get("ENVIRONMENTS", "48"))
AT_ONCE = 8
SOURCE = """
import os, subprocess, sys, threading, time
def handler(event, context):
    if event == "crash":
        os._exit(3)
    if event == "signal":
        os.kill(os.getpid(), 11)
    if event == "time out":
        time.sleep(60)
    if event == "raise":
        raise ValueError(event)
    if event == "leave":
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        command = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
        subprocess.Popen(command, start_new_session=True)
        if os.fork() == 0:
            os.fork()
            time.sleep(60)
    with open("/tmp/file", "wb") as file:
        file.write(bytes(1_000_000))
    return event
"""
FATES = ("succeed", "crash", "leave", "raise", "signal", "succeed", "leave", "time out")
FAILS = {"crash", "raise", "signal", "time out"}

pytestmark = [pytest.mark.slow, needs_namespaces]


@dataclass(frozen=True, slots=True)
class Census:
    """What there is that could be left behind."""

    processes: int
    threads: int
    descriptors: int
    zygote_descriptors: int
    zygote_mounts: int
    groups: int
    folders: int


def undisturbed(look: Callable[[], Seen]) -> Seen:
    """Look at processes, again if one ended meanwhile."""
    while True:
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            return look()


def has_grown(now: Census, before: Census) -> bool:
    """Tell whether there is more of anything; less was counted just before it was gone."""
    return any(map(operator.gt, astuple(now), astuple(before)))


def census(environments: Environments) -> Census:
    return undisturbed(lambda: count(environments))


def count(environments: Environments) -> Census:
    own = psutil.Process()
    zygotes = [child for child in own.children(recursive=True) if is_zygote(child)]
    group = suspension._own_group()
    groups = [] if group is None else list(group.glob(f"lambda-emulator-{os.getpid()}/*/"))
    return Census(
        processes=len(own.children(recursive=True)),
        threads=len([each for each in threading.enumerate() if not is_pooled(each)]),
        descriptors=own.num_fds(),
        zygote_descriptors=sum(zygote.num_fds() for zygote in zygotes),
        zygote_mounts=sum(
            len(Path(f"/proc/{zygote.pid}/mountinfo").read_text().splitlines())
            for zygote in zygotes
        ),
        groups=len(groups),
        folders=len(list(environments._folder.glob("*"))),
    )


def is_zygote(process: psutil.Process) -> bool:
    """Tell whether it is one that serves: it holds a socket, as who waits for it does not."""
    return any("zygote.py" in part for part in process.cmdline()) and process.num_fds() > 8


def is_pooled(thread: threading.Thread) -> bool:
    """Tell whether it is one of a pool, which keeps its threads for what comes next."""
    return thread.name.startswith(("environment_", "ThreadPoolExecutor"))


def memory_mib() -> float:
    def look() -> int:
        zygotes = [each for each in psutil.Process().children(recursive=True) if is_zygote(each)]
        return sum(zygote.memory_full_info().uss for zygote in zygotes)

    return float(undisturbed(look)) / 1024**2


@pytest.fixture
def live(
    function: MakeFunction, run: Run, environments: Environments
) -> Callable[[int], list[FunctionVersion]]:
    """Let so many environments live, each with a fate; returns their function versions."""

    def live_once(number: int) -> FunctionVersion:
        fate = FATES[number % len(FATES)]
        version = function(SOURCE, timeout_s=1 if fate == "time out" else 20)
        result = run(version, fate)
        assert (result.function_error is not None) == (fate in FAILS), result
        if fate != "time out":
            assert run(version, "again").function_error is None
        environments.retire(version)
        return version

    def live_all(count: int) -> list[FunctionVersion]:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(live_once, range(count)))

    return live_all


def test_nothing_is_left_of_environments_that_ended(
    live: Callable[[int], list[FunctionVersion]],
    environments: Environments,
) -> None:
    live(2 * AT_ONCE)  # what is made once
    environments.settle(30)
    before, memory = census(environments), memory_mib()
    versions = live(COUNT)
    environments.settle(30)
    wait_until(lambda: not has_grown(census(environments), before), timeout_s=20)
    grown = memory_mib() - memory
    counted = f"\n{COUNT} environments: {asdict(before)}, zygote {grown:+.1f} MiB\n"
    sys.stderr.write(counted)
    assert not has_grown(census(environments), before)
    assert not {version.code for version in versions} & set(environments.code_in_use())
    assert grown < 4


@pytest.mark.parametrize("what", ["code", "layer"])
def test_nothing_is_left_of_environments_whose_files_are_gone(
    function: MakeFunction, run: Run, environments: Environments, tmp_path: Path, what: str
) -> None:
    def fail() -> None:
        layer = tmp_path / "layer"
        layer.mkdir(exist_ok=True)
        package = CodePackage(folder=layer, sha256="", size_bytes=1)
        version = function(SOURCE, layers=(package,))
        shutil.rmtree(layer if what == "layer" else version.code.folder)
        for _ in range(3):
            assert run(version).function_error is not None
        environments.retire(version)
        environments.settle(30)

    fail()  # what is made once
    before = census(environments)
    fail()
    wait_until(lambda: not has_grown(census(environments), before), timeout_s=20)
    assert not has_grown(census(environments), before)
