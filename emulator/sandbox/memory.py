"""How much memory an environment's processes use, read from /proc; unknown elsewhere."""

import contextlib
import glob
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

_MIB: Final = 1024 * 1024
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# As fast as a process could fill memory: how far a reading may be trusted into the future.
_GROWTH_MIB_PER_S: Final = 4096.0
_UNSEEN_MIB: Final = 8.0  # growth that may go unseen
_SHORTEST_S: Final = 0.005
_LONGEST_S: Final = 0.25
_IDLE_SHARE: Final = 19  # of a hundred processes' memory is costly to read: at most 5 % of the time


class MemoryGauge:
    """Watches the process tree under one first process. Used by one thread at a time.

    init_pid: the process that adopts what the tree loses, where there is one of its own; `pid`
    itself where the first process does nothing but wait for the one that matters. neighbours: the
    other first processes of the environment, its extensions.
    """

    def __init__(
        self,
        pid: int | None,
        limit_mib: int,
        init_pid: int | None = None,
        neighbours: Sequence[int] = (),
    ) -> None:
        self._pid = pid
        self._neighbours = neighbours
        self._init_pid = init_pid
        self._limit_mib = limit_mib
        self._peak_mib = 0.0
        self._reading_s = 0.0  # how long the last reading took
        self._unread_s = 0.0  # for how long the process has run since its mark was read
        # Kept open: it is read after every invocation, and opening costs more than reading.
        self._status_fd = _open_status(pid)
        self._read_high_water()

    @property
    def is_known(self) -> bool:
        """False where this system does not tell."""
        return self._status_fd is not None

    def read(self) -> float:
        """Return what the tree uses now, in MiB, and remember the largest reading."""
        if self._pid is None:
            return 0.0
        started = time.monotonic()
        first, *others = self._processes()
        used = _resident_mib(first) + sum(map(_resident_mib, others))
        if used > self._limit_mib and others:
            # Forked processes share pages, which count once: costly to tell, so asked for last.
            used = _resident_mib(first) + sum(map(_proportional_mib, others))
        self._peak_mib = max(self._peak_mib, used)
        self._reading_s = time.monotonic() - started
        return used

    def _processes(self) -> list[int]:
        assert self._pid is not None
        found = family(self._pid)
        if self._init_pid not in (None, self._pid):
            found += family(self._init_pid)[1:]
        for neighbour in self._neighbours:
            found += family(neighbour)
        return list(dict.fromkeys(found))  # the first process may be a child of the other one

    def peak_mib(self, ran_s: float) -> int | None:
        """Return the largest use so far, the first process's own high-water mark included.

        ran_s: for how long the process has run since the last call.
        """
        if self._status_fd is None:
            return None
        self._unread_s += ran_s
        # The kernel takes longer to tell than a short handler to run, so it is asked only when
        # there was time to use memory that would show.
        if self._unread_s * _GROWTH_MIB_PER_S > _UNSEEN_MIB:
            self._read_high_water()
        if self._neighbours:  # they have no common mark
            self.read()
        return min(round(self._peak_mib), self._limit_mib)

    def _read_high_water(self) -> None:
        self._unread_s = 0.0
        if self._status_fd is not None:
            self._peak_mib = max(self._peak_mib, _high_water_mib(self._status_fd))
        if self._init_pid == self._pid is not None:
            for child in family(self._pid)[1:]:
                self._peak_mib = max(self._peak_mib, _high_water_of(child))

    def next_reading_s(self, used_mib: float) -> float:
        """Return how long `used_mib` may be trusted to stay below the limit."""
        margin = (self._limit_mib - used_mib) / _GROWTH_MIB_PER_S
        return max(min(max(margin, _SHORTEST_S), _LONGEST_S), self._reading_s * _IDLE_SHARE)

    def close(self) -> None:
        """Free the descriptor."""
        if self._status_fd is not None:
            os.close(self._status_fd)
            self._status_fd = None


def _open_status(pid: int | None) -> int | None:
    if pid is None or sys.platform != "linux":
        return None
    try:
        return os.open(f"/proc/{pid}/status", os.O_RDONLY)
    except OSError:
        return None  # it has ended already


def family(pid: int) -> list[int]:
    """Return a process and those that come from it."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for path in glob.iglob(f"/proc/{parent}/task/*/children"):  # each thread has its own
            with contextlib.suppress(OSError), open(path, "rb") as file:
                found.extend(int(child) for child in file.read().split())
    return found


def _resident_mib(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE / _MIB
    except (OSError, IndexError):
        return 0.0


def _proportional_mib(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            text = file.read()
    except OSError:
        return _resident_mib(pid)
    start = text.find(b"Pss:")
    return int(text[start + 4 : start + 30].split()[0]) / 1024 if start >= 0 else 0.0


def _high_water_of(pid: int) -> float:
    status_fd = _open_status(pid)
    if status_fd is None:
        return 0.0
    try:
        return _high_water_mib(status_fd)
    finally:
        os.close(status_fd)


def _high_water_mib(status_fd: int) -> float:
    try:
        text = os.pread(status_fd, 4096, 0)
    except OSError:
        return 0.0
    start = text.find(b"VmHWM:")
    return int(text[start + 6 : start + 20].split()[0]) / 1024 if start >= 0 else 0.0
