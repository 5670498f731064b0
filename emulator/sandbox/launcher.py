"""How each runtime is started: which interpreter, forked or executed, with which layout."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox import interpreters
from emulator.sandbox.commands import (
    ZygoteKind,
    command,
    debugged,
    of_extension,
    search_path,
)
from emulator.sandbox.file_systems import FileSystems
from emulator.sandbox.freezing import FREEZE_AFTER_S
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.java_runtime import can_wait, compiled_runtime
from emulator.sandbox.languages import Language, is_exact, language_of
from emulator.sandbox.layers import (
    LayerFolders,
    external_extensions,
    skipped_extensions,
)
from emulator.sandbox.node_sdk import NodeSdk, needs_sdk
from emulator.sandbox.process import AS_IN_LAMBDA, Launch, LaunchSpec, Layout
from emulator.sandbox.report import Report
from emulator.sandbox.runtime_folder import (
    SDK_PACKAGES,
    make_runtime_folder,
    needs_fresh_start,
    shadows_preloaded,
)
from emulator.sandbox.standby import Standby
from emulator.sandbox.variables import Credentials, variables
from emulator.sandbox.zygote import Zygote, ZygoteError, ZygoteProcess

_OWN_FOLDER: Final = Path(__file__).parent.parent


class Launcher:
    """Starts runtime processes on this machine, in namespaces where `isolate` and the kernel allow.

    Any thread may call. `_lock` guards the tables of zygotes and of locks; a zygote starts under
    a lock of its own, so that nobody waits who does not need it.
    """

    def __init__(
        self,
        *,
        run_folder: Path,
        endpoint_url: Callable[[], str],
        credentials: Callable[[FunctionVersion], Credentials],
        report: Report,
        isolate: bool = True,
        file_systems: Path | None = None,
    ) -> None:
        """file_systems: where those of functions lie; None: below the run folder."""
        self._run_folder = run_folder
        self._endpoint_url = endpoint_url
        self._credentials = credentials
        self._report = report
        self._isolate = isolate
        self._lock = threading.Lock()
        self._zygotes: dict[ZygoteKind, Zygote] = {}
        self._starting: dict[ZygoteKind, threading.Lock] = {}
        self._warned: set[str] = set()
        self._is_closed = False
        self._standbys = {
            "python": Standby("python", target=1),
            "nodejs": Standby("nodejs", target=2),
            "java": Standby("java", target=1),  # it takes memory
        }
        self._node_sdk = NodeSdk(report)
        self._layers = LayerFolders(run_folder)
        self._file_systems = FileSystems(file_systems or run_folder / "file_systems", report)

    def extensions(self, version: FunctionVersion) -> list[str]:
        """Return the names of the external extensions that its layers bring."""
        folder = self._layers.folder(version)
        for name in skipped_extensions(folder):
            if f"extension {name}" not in self._warned:
                self._warned.add(f"extension {name}")
                hint = "if it is meant to run: chmod 0755, and save a change of it"
                self._report("extension.skipped", function=version.name, file=name, hint=hint)
        return external_extensions(folder)

    def lets_debuggers_in(self, version: FunctionVersion) -> bool:
        """See `Backend.lets_debuggers_in`."""
        return True

    def obstacle_to_snapshots(self, version: FunctionVersion) -> str | None:
        """See `Backend.obstacle_to_snapshots`."""
        runtime = version.runtime or ""
        if not runtime.startswith("python"):
            return f"only Python's processes can be copied here, not {runtime}'s"
        if needs_fresh_start(version):
            return "it has libraries, or variables, that only a Python that starts takes notice of"
        if external_extensions(self._layers.folder(version)):
            return "it has external extensions, which cannot be copied with it"
        return None

    def listens_on(self, _version: FunctionVersion) -> str:
        """Where the Runtime API has to listen: the functions share this machine's network."""
        return "127.0.0.1"

    def launch(self, launch: Launch) -> ZygoteProcess:
        """Start what `launch` says.

        Raises LambdaError: InvalidRuntimeException for a runtime nothing here can run,
        ServiceException when its zygote and the one after it were killed, or the machine
        refuses one.
        """
        with contextlib.suppress(ZygoteError, OSError):
            return self._launch(launch)
        try:
            return self._launch(launch)
        except (ZygoteError, OSError) as error:
            message = f"No runtime can be started: {error}"
            raise LambdaError("ServiceException", message) from error

    def _launch(self, launch: Launch) -> ZygoteProcess:
        version = launch.version
        kind = self._kind(version)
        if launch.debug is not None and kind.language == "python":
            kind = replace(kind, has_debugger=True)
        zygote = self._zygote(kind)
        layers_folder = self._layers.folder(version, launch.environment_id)
        layout = self._layout(zygote, kind, launch, layers_folder)
        spec = self._spec(zygote, kind, launch, layout, layers_folder)
        if launch.debug is not None:
            spec = debugged(spec, kind, launch.debug)
        if launch.extension is not None:
            return zygote.launch(of_extension(spec, layout, launch.extension))
        # One that is started again goes back to its namespace: its /tmp is there.
        is_new = not zygote.has(launch.environment_id)
        is_plain = launch.debug is None and launch.snapshot_fd is None
        standby = self._standby(kind, zygote, version) if is_new and is_plain else None
        if standby is not None:
            return standby.launch(zygote, spec)
        return zygote.launch(spec, launch.snapshot_fd)

    def _spec(
        self,
        zygote: Zygote,
        kind: ZygoteKind,
        launch: Launch,
        layout: Layout,
        layers_folder: Path | None,
    ) -> LaunchSpec:
        version = launch.version
        mounts = self._file_systems.mounts(version)
        if mounts and not zygote.is_isolated:
            self._file_systems.tell_of_missing(version, "namespaces are not allowed here")
        return LaunchSpec(
            environment_id=launch.environment_id,
            variables=kind.own_variables(version.runtime or "")
            | variables(
                version,
                layout,
                runtime_api=launch.runtime_api,
                log_stream=launch.log_stream,
                credentials=self._credentials(version),
                endpoint_url=self._endpoint_url(),
            ),
            code_folder=version.code.folder,
            layers_folder=layers_folder,
            tmp_mib=version.ephemeral_storage_mib,
            mounts=mounts,
            argv=command(kind, layout, version),
            search_path=search_path(kind.interpreter, layout, version),
        )

    def release(self, environment_id: str) -> None:
        """Forget an environment that will not be launched again."""
        self._layers.release(environment_id)
        with self._lock:
            zygotes = list(self._zygotes.values())
        for zygote in zygotes:
            with contextlib.suppress(ZygoteError):  # gone, and its namespaces with it
                zygote.release(environment_id)

    def suspension(self, _version: FunctionVersion, _environment_id: str) -> None:
        """They are processes of this machine."""

    def freezes_after_s(self, _version: FunctionVersion) -> float:
        """See `Backend.freezes_after_s`: a signal, or a write to a file, costs next to nothing."""
        return FREEZE_AFTER_S

    def warm(self, version: FunctionVersion) -> None:
        """Start ahead of time what the first launch of `version` would wait for."""
        kind = self._kind(version)
        zygote = self._zygote(kind)
        standby = self._standby(kind, zygote, version)
        if standby is not None:
            standby.fill(zygote, command(kind, self._base_layout(zygote, kind), version))

    def close(self) -> None:
        """End all zygotes and whatever they started."""
        for standby in self._standbys.values():
            standby.close()
        with self._lock:
            self._is_closed = True
            zygotes = list(self._zygotes.values())
            self._zygotes.clear()
        for zygote in zygotes:
            zygote.close()

    def _kind(self, version: FunctionVersion) -> ZygoteKind:
        runtime = version.runtime or ""
        if runtime.startswith("provided"):
            return ZygoteKind("provided", interpreters.own_python())
        language = language_of(runtime)
        if language is None:
            raise LambdaError(
                "InvalidRuntimeException",
                f"{runtime} runs in Docker only: start an engine, and choose no other sandbox."
                " Without Docker there are python3.9 and newer, nodejs16.x and newer, java8.al2 and"
                " newer, ruby3.2 and newer, and executables on provided.al2 and provided.al2023.",
            )
        program = _program(language, runtime)
        self._warn_once(runtime, program)
        if language.name == "python":
            return ZygoteKind("python", program, preload_sdk=not shadows_preloaded(version))
        own = interpreters.own_python()
        return ZygoteKind(language.name, own, program=program, brought=self._brought(version))

    def _brought(self, version: FunctionVersion) -> Path | None:
        runtime = version.runtime or ""
        if runtime.startswith("java"):
            return compiled_runtime()
        is_node = runtime.startswith("nodejs")
        return self._node_sdk.folder() if is_node and needs_sdk(version) else None

    def _standby(
        self, kind: ZygoteKind, zygote: Zygote, version: FunctionVersion
    ) -> Standby | None:
        """Return the processes of which one may become an environment of this function."""
        standby = self._standbys.get(kind.language)
        if standby is None or not standby.can_run(version):
            return None
        program = kind.program
        if kind.language == "java" and not (program and zygote.is_isolated and can_wait(program)):
            return None
        return standby

    def _warn_once(self, runtime: str, interpreter: Interpreter) -> None:
        if not is_exact(interpreter, runtime) and runtime not in self._warned:
            self._warned.add(runtime)
            self._report(
                "runtime.substituted",
                runtime=runtime,
                runs_on=interpreter.runtime,
                path=interpreter.path,
            )

    def _zygote(self, kind: ZygoteKind) -> Zygote:
        with self._lock:
            starting = self._starting.setdefault(kind, threading.Lock())
        with starting:
            zygote = self._zygotes.get(kind)
            if zygote is None or not zygote.is_alive:
                if zygote is not None:
                    zygote.close()
                zygote = self._start(kind)
                self._keep(kind, zygote)
            return zygote

    def _keep(self, kind: ZygoteKind, zygote: Zygote) -> None:
        with self._lock:
            if not self._is_closed:
                self._zygotes[kind] = zygote
                return
        zygote.close()  # the emulator stopped while it started
        raise LambdaError("ServiceException", "The emulator is stopping.")

    def _start(self, kind: ZygoteKind) -> Zygote:
        zygote = Zygote(
            kind.interpreter,
            preload=SDK_PACKAGES if kind.preload_sdk else (),
            isolate=self._isolate,
            run_folder=self._run_folder,
            runtime_folder=self._runtime_folder(kind),
            shown=interpreters.folders_of(
                item for item in (kind.interpreter, kind.program) if item
            ),
            hidden=[_OWN_FOLDER],
        )
        if kind.preload_sdk and not zygote.has_sdk:
            self._report(
                "runtime.without_sdk",
                runtime=kind.interpreter.runtime,
                hint="our boto3 does not run on it; put one that does into the package",
            )
        if self._isolate:
            self._warn_of_limits(zygote)
        return zygote

    def _warn_of_limits(self, zygote: Zygote) -> None:
        """Say once what this machine does not let us enforce."""
        if not zygote.is_isolated and "namespaces" not in self._warned:
            self._warned.add("namespaces")
            self._report(
                "sandbox.without_namespaces",
                effect="code is not at /var/task, /tmp is the machine's own and has no size limit",
                hint="lambda-emulator doctor",
            )
        if not zygote.limits_processes and "processes" not in self._warned:
            self._warned.add("processes")
            self._report(
                "sandbox.without_process_limit",
                effect="a function may start more than 1,024 processes and threads",
                hint="lambda-emulator doctor",
            )

    def _layout(
        self,
        zygote: Zygote,
        kind: ZygoteKind,
        launch: Launch,
        layers_folder: Path | None,
    ) -> Layout:
        base = self._base_layout(zygote, kind)
        if zygote.is_isolated:
            return base
        return Layout(
            task_root=str(launch.version.code.folder),
            tmp=str(launch.tmp_folder),
            runtime_dir=base.runtime_dir,
            layers=base.layers if layers_folder is None else str(layers_folder),
        )

    def _base_layout(self, zygote: Zygote, kind: ZygoteKind) -> Layout:
        if zygote.is_isolated:
            return AS_IN_LAMBDA
        runtime_dir = str(self._runtime_folder(kind))
        return Layout(task_root="/", tmp="/tmp", runtime_dir=runtime_dir, layers="/opt")

    def _runtime_folder(self, kind: ZygoteKind) -> Path:
        return make_runtime_folder(
            self._run_folder, kind.language, kind.brought, has_debugger=kind.has_debugger
        )


def _program(language: Language, runtime: str) -> Interpreter:
    program = language.find(runtime)
    if program is None:
        raise LambdaError(
            "InvalidRuntimeException",
            f"{runtime} needs {language.program}, and there is none on this machine. To get it:"
            f" {language.advice}. Then start the emulator again. Or start a Docker engine, and"
            " choose no other sandbox: it runs in a container.",
        )
    return program
