"""Which backend runs which function."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox.process import Backend, Launch, RuntimeProcess
from emulator.sandbox.suspension import Suspension

PROCESS: Final = "process"
DOCKER: Final = "docker"


class Backends:
    """A backend that leaves each function to one of two. Any thread may call.

    make_containers: makes the one for Docker when the first function needs it, under `_making`.
    has_program, has_engine: tell whether this machine runs a runtime, and whether Docker answers.
    """

    def __init__(
        self,
        *,
        processes: Backend,
        make_containers: Callable[[], Backend],
        default: str = "",
        has_program: Callable[[str], bool] = lambda runtime: True,
        has_engine: Callable[[], bool] = lambda: False,
    ) -> None:
        self._processes = processes
        self._make_containers = make_containers
        self._default = default
        self._has_program = has_program
        self._has_engine = has_engine
        self._places: dict[str, str] = {}  # by runtime, where nobody has chosen; only ever added to
        self._containers: Backend | None = None
        self._making = threading.Lock()

    def sandbox(self, version: FunctionVersion) -> str:
        """Return the kind of sandbox that `version` runs in: PROCESS or DOCKER."""
        if version.code.image is not None:
            return DOCKER
        return version.sandbox or self._default or self._place(version.runtime or "")

    def _place(self, runtime: str) -> str:
        """Return what runs a runtime where nobody says: Docker, when only Docker can."""
        if runtime not in self._places:
            if self._has_program(runtime):
                self._places[runtime] = PROCESS
            elif self._has_engine():
                self._places[runtime] = DOCKER
            else:
                return PROCESS  # which says how to get the program; an engine may come later
        return self._places[runtime]

    def listens_on(self, version: FunctionVersion) -> str:
        """See `Backend.listens_on`."""
        return self._of(version).listens_on(version)

    def launch(self, launch: Launch) -> RuntimeProcess:
        """See `Backend.launch`; raises LambdaError, too, for live code that is not there now."""
        version = launch.version
        if version.code.is_live and not version.code.folder.is_dir():
            raise _missing(version)
        return self._of(version).launch(launch)

    def lets_debuggers_in(self, version: FunctionVersion) -> bool:
        """See `Backend.lets_debuggers_in`."""
        return self._of(version).lets_debuggers_in(version)

    def obstacle_to_snapshots(self, version: FunctionVersion) -> str | None:
        """See `Backend.obstacle_to_snapshots`."""
        return self._of(version).obstacle_to_snapshots(version)

    def extensions(self, version: FunctionVersion) -> Sequence[str]:
        """See `Backend.extensions`."""
        return self._of(version).extensions(version)

    def release(self, environment_id: str) -> None:
        """See `Backend.release`; the one that does not know the environment does nothing."""
        self._processes.release(environment_id)
        if self._containers is not None:
            self._containers.release(environment_id)

    def suspension(self, version: FunctionVersion, environment_id: str) -> Suspension | None:
        """See `Backend.suspension`."""
        return self._of(version).suspension(version, environment_id)

    def freezes_after_s(self, version: FunctionVersion) -> float:
        """See `Backend.freezes_after_s`."""
        return self._of(version).freezes_after_s(version)

    def warm(self, version: FunctionVersion) -> None:
        """See `Backend.warm`."""
        self._of(version).warm(version)

    def close(self) -> None:
        """See `Backend.close`."""
        self._processes.close()
        with self._making:
            containers = self._containers
        if containers is not None:
            containers.close()

    def _of(self, version: FunctionVersion) -> Backend:
        if self.sandbox(version) != DOCKER:
            return self._processes
        if self._containers is None:
            with self._making:
                self._containers = self._containers or self._make_containers()
        return self._containers


def _missing(version: FunctionVersion) -> LambdaError:
    """Return what an invocation without code is answered; events that wait are tried again."""
    text = f"The code folder {version.code.folder} of function {version.name} does not exist."
    return LambdaError("InvalidZipFileException", f"{text} It runs again when the folder is back.")
