"""What the sandbox room knows of a backend: start a runtime process, watch it, end it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from emulator.model import FunctionVersion
from emulator.sandbox.file_systems import Mount
from emulator.sandbox.suspension import Suspension


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where things stand as the function sees them."""

    task_root: str
    tmp: str
    runtime_dir: str
    layers: str


AS_IN_LAMBDA: Final = Layout(
    task_root="/var/task", tmp="/tmp", runtime_dir="/var/runtime", layers="/opt"
)


class DebugMode(StrEnum):
    """How a runtime lets debuggers in; the value is what it is told."""

    ATTACH = "attach"  # at any time
    WAIT = "wait"  # and one has to be there before the function is loaded


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """A runtime, or an external extension, that is to be started in an environment."""

    version: FunctionVersion
    environment_id: str
    tmp_folder: Path  # the host's
    runtime_api: str  # its address
    log_stream: str
    extension: str | None = None  # its name; None: the runtime
    # How the runtime lets debuggers in; None: not at all, as where the backend lets none in.
    debug: DebugMode | None = None
    # The socket over which it will be asked for environments once it is initialised; None: it is
    # no snapshot, as where there is an obstacle to that.
    snapshot_fd: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchSpec:
    """What to start for one environment. Paths are the host's."""

    environment_id: str
    variables: Mapping[str, str]
    code_folder: Path
    layers_folder: Path | None  # what to show as /opt
    tmp_mib: int
    mounts: Sequence[Mount] = ()  # what to show below /mnt, to be written to
    cwd: str | None = None  # None: where the function's code is
    argv: Sequence[str] = ()  # empty: fork the zygote's own Python
    search_path: Sequence[str] = ()  # for a forked Python, in front of its standard library


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """How a runtime process ended: a status, or the signal that killed it."""

    status: int | None = None
    signal: int | None = None
    refusal: str | None = None  # why the program could not be started at all
    is_out_of_memory: bool = False  # the kernel killed it at its limit


class RuntimeProcess(Protocol):
    """A started runtime. Used by one thread at a time, the one that holds the environment."""

    log_fd: int  # stdout and stderr, not blocking
    exit_fd: int  # becomes readable when the process ends
    pid: int | None  # as this host counts; None while it is not known yet
    init_pid: int | None  # of the process that adopts orphans, where each environment has one
    log_lag_s: float  # by how much output may come later than an answer sent after it

    def poll(self) -> Exit | None:
        """Read `exit_fd`; the exit once the first process has ended."""

    def signal(self, number: int) -> None:
        """Send a signal to the process and its group; to none when it has ended."""

    def kill(self) -> None:
        """End all processes of the environment; returns when they are gone."""

    def close(self) -> None:
        """Free the descriptors."""


class Backend(Protocol):
    """Where runtime processes live (`Launcher`, `DockerBackend`). Any thread may call."""

    def listens_on(self, version: FunctionVersion) -> str:
        """Address of this machine at which a runtime of `version` reaches its Runtime API."""

    def launch(self, launch: Launch) -> RuntimeProcess:
        """Start what `launch` says; raises LambdaError when nothing here can run it."""

    def lets_debuggers_in(self, version: FunctionVersion) -> bool:
        """Tell whether runtimes of `version` can be debugged."""

    def obstacle_to_snapshots(self, version: FunctionVersion) -> str | None:
        """Return why no snapshot of `version` can be taken, for people; None: it can."""

    def extensions(self, version: FunctionVersion) -> Sequence[str]:
        """Return the names of the external extensions that are to be started."""

    def release(self, environment_id: str) -> None:
        """Forget an environment that will not be launched again."""

    def suspension(self, version: FunctionVersion, environment_id: str) -> Suspension | None:
        """Return what suspends an environment while it is idle.

        None: its processes are suspended as processes of this machine.
        """

    def freezes_after_s(self, version: FunctionVersion) -> float:
        """Return how long an environment is idle before suspending it is worth its cost."""

    def warm(self, version: FunctionVersion) -> None:
        """Get ready ahead of time what the first launch of `version` would wait for."""

    def close(self) -> None:
        """End everything that was started."""
