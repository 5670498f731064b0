"""Node processes started ahead of time: they wait for the function they are to run."""

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
from emulator.sandbox.process import LaunchSpec
from emulator.sandbox.zygote import Zygote, ZygoteError, ZygoteProcess

TARGET: Final = 2  # processes kept waiting
# Read by the program before its first line runs, so a waiting process would miss them.
_NEEDS_FRESH_START: Final = frozenset({"NODE_OPTIONS", "AWS_LAMBDA_EXEC_WRAPPER"})


@dataclass(frozen=True, slots=True)
class _Waiting:
    zygote: Zygote
    process_id: str
    process: ZygoteProcess
    line: socket.socket  # where it reads what it is to become

    def let_go(self) -> None:
        """Close what it waits on, so that it ends."""
        self.line.close()
        self.process.close()


class NodeStandby:
    """Waiting Node processes. Any thread may call; `_lock` guards the queue only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._filler: threading.Thread | None = None
        self._is_closed = False

    @staticmethod
    def can_run(version: FunctionVersion) -> bool:
        """Tell whether a process that has started already can become this function."""
        return not _NEEDS_FRESH_START & set(version.environment)

    def launch(self, zygote: Zygote, spec: LaunchSpec) -> ZygoteProcess:
        """Turn a waiting process into the environment of `spec`, or start one."""
        with self._lock:
            waiting = self._waiting.popleft() if self._waiting else None
        self._fill_again(zygote, spec.argv)
        if waiting is not None and waiting.zygote is not zygote:  # that one died
            waiting.let_go()
            waiting = None
        if waiting is None:
            return zygote.execute(spec)
        message = {"env": dict(spec.variables), "cwd": spec.variables["LAMBDA_TASK_ROOT"]}
        with waiting.line:
            text = json.dumps(message).encode() + b"\n"
            zygote.adopt(waiting.process_id, spec, waiting.line.fileno(), text)
        return waiting.process

    def fill(self, zygote: Zygote, argv: Sequence[str]) -> None:
        """Start processes until `TARGET` of them wait."""
        while True:
            with self._lock:
                if self._is_closed or len(self._waiting) >= TARGET:
                    return
            started = _start(zygote, argv)
            with self._lock:
                if not self._is_closed:
                    self._waiting.append(started)
                    continue
            started.let_go()
            return

    def _fill_again(self, zygote: Zygote, argv: Sequence[str]) -> None:
        def fill() -> None:
            with contextlib.suppress(ZygoteError):  # it is gone, and who needed the processes too
                self.fill(zygote, argv)

        with self._lock:
            if self._is_closed or (self._filler is not None and self._filler.is_alive()):
                return
            self._filler = threading.Thread(target=fill, name="node-standby")
            self._filler.start()

    def close(self) -> None:
        """Let the waiting processes go."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = list(self._waiting), deque()
        if self._filler is not None:
            self._filler.join()
        for item in waiting:
            item.let_go()


def _start(zygote: Zygote, argv: Sequence[str]) -> _Waiting:
    process_id = uuid.uuid4().hex
    ours, theirs = socket.socketpair()
    with theirs:
        variables = {"PATH": os.environ.get("PATH", "")}
        process = zygote.execute_standby(process_id, argv, variables, theirs.fileno())
    return _Waiting(zygote, process_id, process, ours)
