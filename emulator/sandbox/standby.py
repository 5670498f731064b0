"""Processes started ahead of time: they wait for the function they are to run."""

import contextlib
import json
import os
import socket
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emulator.model import FunctionVersion
from emulator.model.readable import Readable
from emulator.sandbox.process import LaunchSpec
from emulator.sandbox.zygote import Zygote, ZygoteError, ZygoteProcess

LIMIT: Final = 8  # that wait at a time; the oldest makes room
# What a program reads before its first line runs, so a waiting process would miss it.
READ_AT_START: Final = {
    "python": frozenset(),  # what it reads then, a fork of a zygote has not read
    "nodejs": frozenset({"NODE_OPTIONS", "AWS_LAMBDA_EXEC_WRAPPER"}),
    "java": frozenset(
        {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "TZ", "LANG", "AWS_LAMBDA_EXEC_WRAPPER"}
    ),
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    zygote: Zygote
    argv: tuple[str, ...]
    process_id: str
    process: ZygoteProcess
    line: socket.socket  # where it reads what it is to become

    @property
    def is_alive(self) -> bool:
        """False once it has ended, as when the machine ran out of memory."""
        return self.zygote.is_alive and not Readable(self.line.fileno())

    def let_go(self) -> None:
        """End it."""
        self.line.close()
        self.process.kill()
        self.process.close()
        with contextlib.suppress(ZygoteError):  # gone, and its namespaces with it
            self.zygote.release(self.process_id)


class Standby:
    """Processes that wait, by zygote and command line. Any thread may call.

    `_lock` guards the queues only. The thread `standby` fills up what was taken.
    """

    def __init__(self, language: str, target: int) -> None:
        """`target`: how many are to wait for each program."""
        self._read_at_start = READ_AT_START[language]
        self._target = target
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()  # the oldest first
        self._wanted: deque[tuple[Zygote, tuple[str, ...]]] = deque()
        self._filler: threading.Thread | None = None
        self._is_closed = False

    def can_run(self, version: FunctionVersion) -> bool:
        """Tell whether a process that has started already can become this function."""
        return not self._read_at_start & set(version.environment)

    def launch(self, zygote: Zygote, spec: LaunchSpec) -> ZygoteProcess:
        """Turn a waiting process into the environment of `spec`, or start one."""
        waiting = self._take(zygote, tuple(spec.argv))
        self._fill_again(zygote, tuple(spec.argv))
        if waiting is None:
            return zygote.launch(spec)
        message = {
            "env": dict(spec.variables),
            "cwd": spec.variables["LAMBDA_TASK_ROOT"],
            "search_path": list(spec.search_path),
        }
        text = json.dumps(message).encode() + b"\n"
        try:
            zygote.adopt(waiting.process_id, spec, waiting.line.fileno(), text)
        except BaseException:
            waiting.let_go()
            raise
        waiting.line.close()
        return waiting.process

    def _take(self, zygote: Zygote, argv: tuple[str, ...]) -> _Waiting | None:
        with self._lock:
            dead = [item for item in self._waiting if not item.is_alive]
            for item in dead:
                self._waiting.remove(item)
            found = next((item for item in self._waiting if _is_for(item, zygote, argv)), None)
            if found is not None:
                self._waiting.remove(found)
        for item in dead:
            item.let_go()
        return found

    def fill(self, zygote: Zygote, argv: Sequence[str]) -> None:
        """Start processes until enough of them wait for this program."""
        command = tuple(argv)
        while self._lacks(zygote, command):
            started = _start(zygote, command)
            with self._lock:
                is_kept = not self._is_closed
                if is_kept:
                    self._waiting.append(started)
                surplus = [] if len(self._waiting) <= LIMIT else [self._waiting.popleft()]
            for item in surplus if is_kept else [started]:
                item.let_go()

    def _lacks(self, zygote: Zygote, argv: tuple[str, ...]) -> bool:
        with self._lock:
            count = sum(_is_for(item, zygote, argv) for item in self._waiting)
            return count < self._target and not self._is_closed

    def _fill_again(self, zygote: Zygote, argv: tuple[str, ...]) -> None:
        with self._lock:
            if self._is_closed:
                return
            if (zygote, argv) not in self._wanted:
                self._wanted.append((zygote, argv))
            if self._filler is None:
                self._filler = threading.Thread(target=self._fill_wanted, name="standby")
                self._filler.start()

    def _fill_wanted(self) -> None:
        while True:
            with self._lock:
                if self._is_closed or not self._wanted:
                    self._filler = None
                    return
                zygote, argv = self._wanted.popleft()
            # It is gone, and who needed the processes too; or the machine has no more of something.
            with contextlib.suppress(ZygoteError, OSError):
                self.fill(zygote, argv)

    def close(self) -> None:
        """Let the waiting processes go."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = list(self._waiting), deque()
            filler = self._filler
        if filler is not None:
            filler.join()
        for item in waiting:
            item.let_go()


def _is_for(item: _Waiting, zygote: Zygote, argv: tuple[str, ...]) -> bool:
    return item.zygote is zygote and item.argv == argv


def _start(zygote: Zygote, argv: tuple[str, ...]) -> _Waiting:
    process_id = uuid.uuid4().hex
    ours, theirs = socket.socketpair()
    variables = {"PATH": os.environ.get("PATH", ""), "TZ": ":UTC", "LC_ALL": "C.UTF-8"}
    with theirs, contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        process = zygote.launch_standby(process_id, argv, variables, theirs.fileno())
        undo.pop_all()
    return _Waiting(zygote, argv, process_id, process, ours)
