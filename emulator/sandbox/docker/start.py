"""A container that is started: where its output goes, how its end is told, who it is."""

import os
import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emulator.sandbox.docker.connection import engine_errors, explanation
from emulator.sandbox.docker.logs import RELAY_LAG_S, open_pipe
from emulator.sandbox.docker.machine import Machine
from emulator.sandbox.docker.process import ContainerProcess
from emulator.sandbox.docker.route import EngineError

# How the engine says that it could not start the program of an image.
_NOT_STARTED: Final = re.compile(
    r'exec: "(?P<program>[^"]+)": .*?(?P<why>no such file or directory|permission denied|'
    r"executable file not found in \$PATH|is a directory)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A container of the engine's, running or not."""

    id: str
    log_pipe: Path | None  # None: the engine carries what it prints


def start(machine: Machine, container: Container) -> ContainerProcess:
    """Start a container, for the first time or again; raises EngineError."""
    exits, name = machine.exits, container.id
    with engine_errors("The container cannot be started"), ExitStack() as undo:
        exit_fd = exits.watch(name)
        undo.callback(os.close, exit_fd)
        undo.callback(exits.forget, name)
        log_fd = _open_log(machine, container)
        undo.callback(os.close, log_fd)
        process = ContainerProcess(
            log_fd=log_fd,
            exit_fd=exit_fd,
            log_lag_s=0.0 if container.log_pipe is not None else RELAY_LAG_S,
            has_init=container.log_pipe is not None,
            send=lambda number: _signal(machine, name, number),
            forget=lambda: exits.forget(name),
        )
        _start(machine, name)
        undo.pop_all()
        return process


def _open_log(machine: Machine, container: Container) -> int:
    if container.log_pipe is not None:
        return open_pipe(container.log_pipe)
    streams = {"stdout": 1, "stderr": 1, "stream": 1}
    return machine.logs.relay(machine.client.attach_socket(container.id, params=streams))


def _start(machine: Machine, container: str) -> None:
    import docker

    try:
        machine.client.start(container)
    except docker.errors.APIError as error:
        match = _NOT_STARTED.search(explanation(error))
        if match is None:
            raise
        machine.exits.refuse(container, f"fork/exec {match['program']}: {match['why']}")
    else:
        _tell_pid(machine, container)


def _tell_pid(machine: Machine, container: str) -> None:
    if machine.engine.shares_kernel:
        pid = machine.client.inspect_container(container)["State"]["Pid"]
        with suppress(OSError):  # it has ended
            # An emulator in a container of its own counts processes differently.
            if container in Path(f"/proc/{pid}/cgroup").read_text():
                machine.exits.tell(container, f"pid {pid}")


def _signal(machine: Machine, container: str, number: int) -> None:
    import docker

    with suppress(EngineError), engine_errors(""):
        try:
            machine.client.kill(container, number)
        except docker.errors.NotFound:
            machine.exits.forget(container)
        except docker.errors.APIError:
            pass  # it has just ended by itself
