"""What a zygote runs for a function: which kind of zygote, with which command."""

from dataclasses import dataclass, replace
from pathlib import Path

from emulator.model import FunctionVersion
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.java_runtime import java_command, java_debugger
from emulator.sandbox.languages import is_exact
from emulator.sandbox.layers import EXTENSIONS
from emulator.sandbox.process import DebugMode, LaunchSpec, Layout
from emulator.sandbox.runtime_folder import needs_fresh_start
from emulator.sandbox.variables import OF_THE_RUNTIME


@dataclass(frozen=True, slots=True)
class ZygoteKind:
    """Which zygote starts a function: functions of the same kind share one."""

    language: str  # "provided", or the name of a `Language`
    interpreter: Interpreter  # what the zygote itself runs on
    preload_sdk: bool = False
    brought: Path | None = None  # the SDK of Node.js, the compiled runtime of Java
    program: Interpreter | None = None  # what it executes, where that is not its own Python
    has_debugger: bool = False  # in its runtime folder

    def own_variables(self, runtime: str) -> dict[str, str]:
        """Return what a function needs whose runtime is not AWS's; its own variables come first."""
        if self.language != "nodejs" or self.program is None:
            return {}
        # Differs from Lambda: on a Node.js that it will leave behind, the SDK writes a warning into
        # the log of every cold start. There it has the SDK of that time, or the newer Node.js.
        is_ours = self.brought is not None or not is_exact(self.program, runtime)
        return {"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"} if is_ours else {}


def command(kind: ZygoteKind, layout: Layout, version: FunctionVersion) -> tuple[str, ...]:
    """Return the command line of a runtime; empty: the zygote's own Python goes on as it."""
    if kind.language == "python" and not needs_fresh_start(version):
        return ()
    return (*_wrapper(version), *_runtime(kind, layout, version))


def _wrapper(version: FunctionVersion) -> tuple[str, ...]:
    wrapper = version.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    is_managed = not (version.runtime or "").startswith("provided")
    if not wrapper or not is_managed:
        return ()
    # As in AWS a shell starts it, which says what it cannot find and exits with 127.
    return ("/bin/sh", "-c", 'exec "$@"', "/var/runtime/bootstrap", wrapper)


def _runtime(kind: ZygoteKind, layout: Layout, version: FunctionVersion) -> tuple[str, ...]:
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


def debugged(spec: LaunchSpec, kind: ZygoteKind, mode: DebugMode) -> LaunchSpec:
    """Return the same with a runtime that lets debuggers in."""
    variables = {**spec.variables, "LAMBDA_EMULATOR_DEBUG": mode}
    command = list(spec.argv)
    if kind.language == "java":
        command[-3:-3] = java_debugger()
        return replace(spec, argv=command)
    if kind.language == "nodejs":  # else it would write its own port to the function's log
        command.insert(-1, "--inspect-publish-uid=http")
    return replace(spec, variables=variables, argv=command)


def of_extension(spec: LaunchSpec, layout: Layout, name: str) -> LaunchSpec:
    """Return what starts an external extension in the place of the runtime."""
    own = {name: value for name, value in spec.variables.items() if name not in OF_THE_RUNTIME}
    program = f"{layout.layers}/{EXTENSIONS}/{name}"
    return replace(spec, variables=own, argv=(program,), cwd="/")


def search_path(
    interpreter: Interpreter, layout: Layout, version: FunctionVersion
) -> tuple[str, ...]:
    """Return where a forked Python looks for modules first."""
    site_packages = f"{layout.layers}/python/lib/{interpreter.runtime}/site-packages"
    own = version.environment.get("PYTHONPATH", "").split(":")
    return (layout.task_root, site_packages, f"{layout.layers}/python", *filter(None, own))
