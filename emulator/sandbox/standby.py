"""Node processes started ahead of time: they wait for the function they are to run."""

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
from emulator.sandbox.zygote import Zygote, ZygoteProcess

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
        self._is_closed = False

    @staticmethod
    def can_run(version: FunctionVersion) -> bool:
        """Tell whether a process that has started already can become this function."""
        return not _NEEDS_FRESH_START & set(version.environment)

    def launch(self, zygote: Zygote, spec: LaunchSpec) -> ZygoteProcess:
        """Turn a waiting process into the environment of `spec`, or start one."""
        with self._lock:
            waiting = self._waiting.popleft() if self._waiting else None
        filling = threading.Thread(
            target=self.fill, args=(zygote, spec.argv), name="node-standby", daemon=True
        )
        filling.start()
        if waiting is None or waiting.zygote is not zygote:  # an older zygote is gone
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

    def close(self) -> None:
        """Let the waiting processes go."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = list(self._waiting), deque()
        for item in waiting:
            item.let_go()


def _start(zygote: Zygote, argv: Sequence[str]) -> _Waiting:
    process_id = uuid.uuid4().hex
    ours, theirs = socket.socketpair()
    with theirs:
        variables = {"PATH": os.environ.get("PATH", "")}
        process = zygote.execute_standby(process_id, argv, variables, theirs.fileno())
    return _Waiting(zygote, process_id, process, ours)
