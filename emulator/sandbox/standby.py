"""Node processes started ahead of time: they wait for the function they are to run."""

import json
import os
import socket
import threading
import uuid
from collections import deque
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.process import LaunchSpec
from emulator.sandbox.zygote import Zygote, ZygoteProcess

BOOTSTRAP: Final = Path(__file__).parent.parent / "runtimes" / "node" / "bootstrap.mjs"
TARGET: Final = 2  # processes kept waiting
# Read by the program before its first line runs, so a waiting process would miss them.
_NEEDS_FRESH_START: Final = frozenset({"NODE_OPTIONS", "AWS_LAMBDA_EXEC_WRAPPER"})


class NodeStandby:
    """Waiting Node processes. Any thread may call; `_lock` guards the queue only."""

    def __init__(self, node: Interpreter, zygote: Zygote) -> None:
        self._node = node
        self._zygote = zygote
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, ZygoteProcess, socket.socket]] = deque()
        self._is_closed = False

    @staticmethod
    def argv(node: Interpreter) -> tuple[str, ...]:
        """Command line that runs our bootstrap."""
        return (str(node.path), str(BOOTSTRAP))

    @staticmethod
    def can_run(version: FunctionVersion) -> bool:
        """Tell whether a process that has started already can become this function."""
        runtime = version.runtime or ""
        return runtime.startswith("nodejs") and not _NEEDS_FRESH_START & set(version.environment)

    def launch(self, spec: LaunchSpec) -> ZygoteProcess:
        """Turn a waiting process into the environment of `spec`, or start one."""
        with self._lock:
            waiting = self._waiting.popleft() if self._waiting else None
        threading.Thread(target=self.fill, name="node-standby", daemon=True).start()
        if waiting is None:
            return self._zygote.execute(spec)
        process_id, process, line = waiting
        message = {"env": dict(spec.variables), "cwd": spec.variables["LAMBDA_TASK_ROOT"]}
        with line:
            text = json.dumps(message).encode() + b"\n"
            self._zygote.adopt(process_id, spec, line.fileno(), text)
        return process

    def fill(self) -> None:
        """Start processes until `TARGET` of them wait."""
        while True:
            with self._lock:
                if self._is_closed or len(self._waiting) >= TARGET:
                    return
            started = self._start()
            with self._lock:
                if not self._is_closed:
                    self._waiting.append(started)
                    continue
            started[2].close()
            return

    def _start(self) -> tuple[str, ZygoteProcess, socket.socket]:
        process_id = uuid.uuid4().hex
        ours, theirs = socket.socketpair()
        with theirs:
            variables = {"PATH": os.environ.get("PATH", "")}
            process = self._zygote.execute_standby(
                process_id, self.argv(self._node), variables, theirs.fileno()
            )
        return process_id, process, ours

    def close(self) -> None:
        """Let the waiting processes go."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = list(self._waiting), deque()
        for _, process, line in waiting:
            line.close()
            process.close()
