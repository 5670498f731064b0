"""What an emulator started, found by what `/proc` tells: also what hid in a session of its own."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

_POLL_S = 0.02
_TELLTALES = ("cmdline", "environ", "mountinfo")


def processes_of(scratch: Path) -> list[psutil.Process]:
    """Return the processes that name the emulator's temporary folder.

    In their command line, their environment or, as a function in a namespace of its own does,
    in what is mounted for them.
    """
    found = []
    for process in psutil.process_iter():
        entries = Path("/proc", str(process.pid))
        try:
            if is_running(process) and _names(entries, str(scratch).encode()):
                found.append(process)
        except OSError:
            continue  # it ended meanwhile
    return found


def waiters_of(emulator_id: int) -> list[psutil.Process]:
    """The emulator's own children: each waits for a zygote."""
    return psutil.Process(emulator_id).children()


def function_processes(emulator_id: int) -> list[psutil.Process]:
    """First processes of environments: each leads a session of its own, and has got a function."""
    descendants = [
        process for waiter in waiters_of(emulator_id) for process in waiter.children(recursive=True)
    ]
    return [process for process in descendants if _leads_session(process) and not _waits(process)]


def zygotes_of(emulator_id: int) -> list[psutil.Process]:
    """The zygotes themselves, of which at least one function has been forked."""
    found = set()
    for process in function_processes(emulator_id):
        with suppress(psutil.NoSuchProcess):
            found.add(process.ppid())
    return [psutil.Process(process_id) for process_id in found]


def _leads_session(process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def _waits(process: psutil.Process) -> bool:
    """Whether it was started ahead of time: it is where no function is."""
    try:
        return os.readlink(f"/proc/{process.pid}/cwd") == "/"
    except OSError:
        return False


def is_running(process: psutil.Process) -> bool:
    """False also for one that has ended and waits for its parent to notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(processes: list[psutil.Process]) -> None:
    """Kill them all at once and wait for their ends."""
    assert processes
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it has ended with another of them
            process.kill()
    assert wait_until(lambda: not any(is_running(process) for process in processes))


def _names(entries: Path, text: bytes) -> bool:
    return any(
        text in (entries / kind).read_bytes() for kind in ("cmdline", "environ", "mountinfo")
    )


def wait_until(is_true: Callable[[], bool], timeout_s: float = 10) -> bool:
    """Look again and again until it is true; False: it is not after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    never = threading.Event()
    while not is_true():
        if time.monotonic() > deadline:
            return False
        never.wait(_POLL_S)
    return True
