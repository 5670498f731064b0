"""Our Java runtime, compiled once into a cache, and how a Java function is started with it."""

import hashlib
import os
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.jdks import compilers
from emulator.sandbox.process import Layout

SOURCES: Final = Path(__file__).parent.parent / "runtimes" / "java"
_COMPILE_TIMEOUT_S: Final = 120.0
_HEAP_SHARE: Final = 0.85  # of MemorySize, as AWS has it; the rest is the machine's own
_QUICK_START: Final = 17  # from java17 on AWS compiles less, to start sooner
_CHANGES_FOLDER: Final = 22  # from this version on a machine can become a function's
_OPENED: Final = (  # what `Standby.java` needs: a descriptor by its number, the environment, chdir
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
)
_compiling = threading.Lock()


def compiled_runtime() -> Path:
    """Return the folder of the runtime's classes, compiled if this is the first time.

    Raises LambdaError where no compiler is, or it fails.
    """
    sources = sorted(SOURCES.rglob("*.java"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    classes = cache / "lambda-emulator" / f"java-{digest}" / "java"
    with _compiling:
        if not classes.is_dir():
            _compile(sources, classes)
    return classes


def _compile(sources: list[Path], classes: Path) -> None:
    found = compilers()
    if not found:
        raise LambdaError(
            "InvalidRuntimeException",
            "Java functions need a JDK (a JRE has no compiler), and there is none on this machine."
            " Debian: apt-get install openjdk-17-jdk-headless; elsewhere: sdk install java.",
        )
    classes.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="java-", dir=classes.parent.parent) as scratch:
        unfinished = Path(scratch) / "runtime"
        target = unfinished / classes.name
        target.mkdir(parents=True)
        options = ["-Xlint:-options", "-nowarn", "-encoding", "UTF-8", "-d", str(target)]
        # Of this age, so that every Java runs it.
        command = [str(found[0]), "--release", "8", *options, *map(str, sources)]
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S
            )
        except subprocess.SubprocessError as error:
            reason = getattr(error, "stderr", None) or str(error)
            message = f"The Java runtime cannot be compiled by {found[0]}: {reason}"
            raise LambdaError("ServiceException", message) from error
        try:
            unfinished.rename(classes.parent)  # complete, or not there
        except OSError:
            if not classes.is_dir():  # else another emulator was sooner
                raise


def can_wait(java: Interpreter) -> bool:
    """Tell whether a process of this Java may be started before it is known what it runs."""
    return _age(java) >= _CHANGES_FOLDER


def java_command(java: Interpreter, layout: Layout, version: FunctionVersion) -> list[str]:
    """Return the command line of a function on that Java."""
    age = _age(java)
    heap_kib = int(version.memory_mib * 1024 * _HEAP_SHARE)
    quick = ["-XX:TieredStopAtLevel=1"] if age >= _QUICK_START else []
    return [
        str(java.path),
        f"-XX:MaxHeapSize={heap_kib}k",
        "-XX:+UseSerialGC",
        *quick,
        "-Xshare:auto",
        "-Dfile.encoding=UTF-8",
        f"-Duser.dir={layout.task_root}",
        f"-Dlambda.layers={layout.layers}",
        *(_OPENED if can_wait(java) else ()),
        "-cp",
        f"{layout.runtime_dir}/java",
        "lambdaemulator.Bootstrap",
    ]


def java_debugger() -> list[str]:
    """Return the options that let debuggers in, by a port that is free now.

    The virtual machine would find one itself, but another one each time a debugger has left.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    transport = f"transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:{port}"
    return [f"-agentlib:jdwp={transport}", f"-Dlambda.debugger={port}"]


def _age(java: Interpreter) -> int:
    return int(java.runtime.removeprefix("java"))
