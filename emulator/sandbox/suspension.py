"""Suspends the processes of an environment: by a control group's freezer, or by signals."""

import contextlib
import itertools
import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from emulator.sandbox.memory import family

_ROUNDS: Final = 5  # a process that forks while it is stopped needs more than one
_GROUP: Final = "lambda-emulator-"


class Suspension(Protocol):
    """The processes of one environment, which hang under some roots. One thread at a time."""

    def suspend(self, roots: Iterable[int]) -> None:
        """Let none of them run; returns at once. OSError when this cannot be done."""

    def resume(self) -> None:
        """Let them go on."""

    def close(self) -> None:
        """Free what it holds; its processes have ended."""


class SignalSuspension:
    """By SIGSTOP and SIGCONT, which anybody may send to his own processes.

    A process that catches SIGCONT would notice, so it is left running.
    """

    def __init__(self) -> None:
        self._stopped: list[int] = []

    def suspend(self, roots: Iterable[int]) -> None:
        """Stop every process, parents first, until none is found that was not there before."""
        first = list(roots)
        seen: set[int] = set()
        for _ in range(_ROUNDS):
            found = [pid for root in first for pid in family(root) if pid not in seen]
            if not found:
                return
            seen.update(found)
            self._stopped += [pid for pid in found if not _catches_resumption(pid) and _stop(pid)]

    def resume(self) -> None:
        """Continue them, the last one first: a parent finds its children running."""
        while self._stopped:
            _send(self._stopped.pop(), signal.SIGCONT)

    def close(self) -> None:
        """Nothing is held."""
        self._stopped.clear()


def _stop(pid: int) -> bool:
    return _send(pid, signal.SIGSTOP)


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _catches_resumption(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it is gone
    caught = int(text.partition("SigCgt:")[2].split(None, 1)[0], 16)
    return bool(caught >> (signal.SIGCONT - 1) & 1)


class GroupSuspension:
    """By the freezer of a control group of its own, of which no process notices anything.

    Processes are moved there the first time; what they start later is born there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: int | None = None  # descriptor of the group's switch

    def suspend(self, roots: Iterable[int]) -> None:
        """Throw the switch; the processes stop within microseconds."""
        if self._state is None:
            self._state = self._move(list(roots))
        os.write(self._state, b"1")

    def _move(self, roots: list[int]) -> int:
        self._folder.mkdir()
        moved: set[int] = set()
        for _ in range(_ROUNDS):
            found = [pid for root in roots for pid in family(root) if pid not in moved]
            if not found:
                break
            moved.update(found)
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    (self._folder / "cgroup.procs").write_text(str(pid))
        return os.open(self._folder / "cgroup.freeze", os.O_WRONLY)

    def resume(self) -> None:
        """Throw the switch back."""
        if self._state is not None:
            os.write(self._state, b"0")

    def close(self) -> None:
        """Remove the group."""
        if self._state is not None:
            os.close(self._state)
            self._state = None
        with contextlib.suppress(OSError):  # it never came to be
            self._folder.rmdir()


class ControlGroups:
    """Where this emulator's control groups are. Where none can be made, it is done by signals."""

    def __init__(self) -> None:
        self._folder = _make_folder()

        self._numbers = itertools.count(1)

    def suspension(self) -> Suspension:
        """Return what suspends the processes of one environment."""
        if self._folder is None:
            return SignalSuspension()
        return GroupSuspension(self._folder / str(next(self._numbers)))

    def close(self) -> None:
        """Remove them."""
        if self._folder is not None:
            _remove(self._folder)


def _make_folder() -> Path | None:
    parent = _own_group()
    if parent is None:
        return None
    for left in parent.glob(f"{_GROUP}*"):  # by an emulator that was killed
        if left.name.removeprefix(_GROUP).isdigit() and not _is_running(left.name):
            _remove(left)
    folder = parent / f"{_GROUP}{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    if os.access(folder / "cgroup.procs", os.W_OK) and os.access(folder / "cgroup.freeze", os.W_OK):
        return folder
    _remove(folder)
    return None


def _own_group() -> Path | None:
    """Return the folder of the version 2 control group this process is in."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
        groups = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    mounted = re.search(r"^(?:\S+ ){4}(\S+) [^\n]* - cgroup2 ", mounts, re.MULTILINE)
    own = re.search(r"^0::/(.*)$", groups, re.MULTILINE)
    if mounted is None or own is None:
        return None
    return Path(mounted[1]) / own[1]


def _is_running(name: str) -> bool:
    return os.path.exists("/proc/" + name.removeprefix(_GROUP))


def _remove(folder: Path) -> None:
    for group in [*folder.glob("*/"), folder]:
        with contextlib.suppress(OSError):  # something still runs there
            group.rmdir()
