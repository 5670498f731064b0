"""How each runtime is started: which interpreter, forked or executed, with which layout."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox import interpreters
from emulator.sandbox.freezing import FREEZE_AFTER_S
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.java_runtime import can_wait, compiled_runtime, java_command, java_debugger
from emulator.sandbox.languages import Language, is_exact, language_of
from emulator.sandbox.layers import (
    EXTENSIONS,
    LayerFolders,
    external_extensions,
    skipped_extensions,
)
from emulator.sandbox.node_sdk import NodeSdk, needs_sdk
from emulator.sandbox.process import AS_IN_LAMBDA, DebugMode, LaunchSpec, Layout
from emulator.sandbox.report import Report
from emulator.sandbox.runtime_folder import (
    SDK_PACKAGES,
    make_runtime_folder,
    needs_fresh_start,
    shadows_preloaded,
)
from emulator.sandbox.standby import Standby
from emulator.sandbox.variables import OF_THE_RUNTIME, Credentials, variables
from emulator.sandbox.zygote import Zygote, ZygoteError, ZygoteProcess

_OWN_FOLDER: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class ZygoteKind:
    """Which zygote starts a function: functions of the same kind share one."""

    language: str  # "provided", or the name of a `Language`
    interpreter: Interpreter  # what the zygote itself runs on
    preload_sdk: bool = False
    brought: Path | None = None  # the SDK of Node.js, the compiled runtime of Java
    program: Interpreter | None = None  # what it executes, where that is not its own Python
    has_debugger: bool = False  # in its runtime folder


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
    ) -> None:
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
            "nodejs": Standby("nodejs", target=2),
            "java": Standby("java", target=1),  # it takes memory
        }
        self._node_sdk = NodeSdk(report)
        self._layers = LayerFolders(run_folder)

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

    def listens_on(self, _version: FunctionVersion) -> str:
        """Where the Runtime API has to listen: the functions share this machine's network."""
        return "127.0.0.1"

    def launch(
        self,
        version: FunctionVersion,
        *,
        environment_id: str,
        tmp_folder: Path,
        runtime_api: str,
        log_stream: str,
        extension: str | None = None,
        debug: DebugMode | None = None,
    ) -> ZygoteProcess:
        """Start the runtime of one environment, or the external extension of that name.

        debug: how the runtime lets debuggers in; None: not at all.
        Raises LambdaError: InvalidRuntimeException for a runtime nothing here can run,
        ServiceException when its zygote and the one after it were killed, or the machine
        refuses one.
        """
        arguments = (version, environment_id, tmp_folder, runtime_api, log_stream, extension, debug)
        with contextlib.suppress(ZygoteError, OSError):
            return self._launch(*arguments)
        try:
            return self._launch(*arguments)
        except (ZygoteError, OSError) as error:
            message = f"No runtime can be started: {error}"
            raise LambdaError("ServiceException", message) from error

    def _launch(
        self,
        version: FunctionVersion,
        environment_id: str,
        tmp_folder: Path,
        runtime_api: str,
        log_stream: str,
        extension: str | None,
        debug: DebugMode | None,
    ) -> ZygoteProcess:
        kind = self._kind(version)
        if debug is not None and kind.language == "python":
            kind = replace(kind, has_debugger=True)
        zygote = self._zygote(kind)
        layers_folder = self._layers.folder(version, environment_id)
        layout = self._layout(zygote, kind, version, tmp_folder, layers_folder)
        spec = LaunchSpec(
            environment_id=environment_id,
            variables=variables(
                version,
                layout,
                runtime_api=runtime_api,
                log_stream=log_stream,
                credentials=self._credentials(version),
                endpoint_url=self._endpoint_url(),
            ),
            code_folder=version.code.folder,
            layers_folder=layers_folder,
            tmp_mib=version.ephemeral_storage_mib,
            argv=(*_wrapper(version), *_argv(kind, layout, version)),
            search_path=_search_path(kind.interpreter, layout, version),
        )
        if debug is not None:
            spec = _debugged(spec, kind, debug)
        if extension is not None:
            return zygote.execute(_of_extension(spec, layout, extension))
        if kind.language == "python" and not needs_fresh_start(version):
            return zygote.fork(spec)
        # One that is started again goes back to its namespace: its /tmp is there.
        is_new = not zygote.has(environment_id)
        standby = None if debug else self._standby(kind, zygote, version)
        if is_new and standby is not None:
            return standby.launch(zygote, spec)
        return zygote.execute(spec)

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
            standby.fill(zygote, _argv(kind, self._base_layout(zygote, kind), version))

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
                f"The emulator cannot run {runtime or 'container images'} yet. It runs python3.9"
                " and newer, nodejs16.x and newer, java8.al2 and newer, ruby3.2 and newer, and"
                " executables on provided.al2 and provided.al2023.",
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
        if standby is None or kind.program is None or not standby.can_run(version):
            return None
        if kind.language == "java" and not (zygote.is_isolated and can_wait(kind.program)):
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
        version: FunctionVersion,
        tmp_folder: Path,
        layers_folder: Path | None,
    ) -> Layout:
        base = self._base_layout(zygote, kind)
        if zygote.is_isolated:
            return base
        return Layout(
            task_root=str(version.code.folder),
            tmp=str(tmp_folder),
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
            f" {language.advice}. Then start the emulator again.",
        )
    return program


def _wrapper(version: FunctionVersion) -> tuple[str, ...]:
    wrapper = version.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    is_managed = not (version.runtime or "").startswith("provided")
    return (wrapper,) if wrapper and is_managed else ()


def _argv(kind: ZygoteKind, layout: Layout, version: FunctionVersion) -> tuple[str, ...]:
    if kind.program is not None and kind.language == "java":
        return tuple(java_command(kind.program, layout, version))
    if kind.program is not None and kind.language == "ruby":
        return (str(kind.program.path), f"{layout.runtime_dir}/ruby/bootstrap.rb")
    if kind.program is not None:
        return (str(kind.program.path.resolve()), f"{layout.runtime_dir}/node/bootstrap.mjs")
    if kind.language == "python":
        return (str(kind.interpreter.path), "-S", f"{layout.runtime_dir}/bootstrap.py")
    if kind.language == "provided":
        # AWS looks into /var/runtime first, which is empty for custom runtimes, then into the
        # function, then into its layers.
        is_own = (version.code.folder / "bootstrap").exists() or not version.layers
        return (f"{layout.task_root if is_own else layout.layers}/bootstrap",)
    return ()


def _debugged(spec: LaunchSpec, kind: ZygoteKind, mode: DebugMode) -> LaunchSpec:
    variables = {**spec.variables, "LAMBDA_EMULATOR_DEBUG": mode}
    argv = list(spec.argv)
    if kind.language == "java":
        argv[-3:-3] = java_debugger()
        return replace(spec, argv=argv)
    if kind.language == "nodejs":  # else it would write its own port to the function's log
        argv.insert(-1, "--inspect-publish-uid=http")
    return replace(spec, variables=variables, argv=argv)


def _of_extension(spec: LaunchSpec, layout: Layout, name: str) -> LaunchSpec:
    own = {name: value for name, value in spec.variables.items() if name not in OF_THE_RUNTIME}
    program = f"{layout.layers}/{EXTENSIONS}/{name}"
    return replace(spec, variables=own, argv=(program,), cwd="/")


def _search_path(
    interpreter: Interpreter, layout: Layout, version: FunctionVersion
) -> tuple[str, ...]:
    site_packages = f"{layout.layers}/python/lib/{interpreter.runtime}/site-packages"
    own = version.environment.get("PYTHONPATH", "").split(":")
    return (layout.task_root, site_packages, f"{layout.layers}/python", *filter(None, own))
