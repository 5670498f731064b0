"""Puts into each sample function's folder what its package needs beside the source.

`make` runs it; it does nothing where all is in place. A function whose tools this machine lacks
is named with the reason, and the others work without it.
"""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from emulator.sandbox import interpreters, languages
from emulator.sandbox.java_runtime import compiled_runtime
from emulator.sandbox.jdks import compilers

SAMPLES = Path(__file__).resolve().parent


def main() -> int:
    """Build all samples; the exit code of a shell."""
    try:
        install_python_packages("resize")
        install_node_packages("resize_node")
        compile_program("native")
        compile_java("hello_java", "hello/Hello.java")
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)} exited with {error.returncode}", file=sys.stderr)
        return 1
    return 0


def install_python_packages(function: str) -> None:
    """Install requirements.txt beside the handler, for the Python that will run the function."""
    folder = SAMPLES / function
    version = _python_of(function)
    requirements = folder / "requirements.txt"
    wanted = f"{version} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    installed = folder / ".installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    _say(f"{function}: installing its Python packages for {version}")
    # Whichever Python runs pip, the wheels are those of the Python that runs the function.
    wheels = ["--python-version", version.removeprefix("python"), "--implementation", "cp"]
    wheels += ["--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    target = ["--target", str(folder), "--upgrade", "--no-compile", "--no-deps"]
    _run([sys.executable, "-m", "pip", "install", "-qq", *target, *wheels])
    installed.write_text(wanted)


def install_node_packages(function: str) -> None:
    """Install package-lock.json into node_modules, where npm left no newer mark of its own."""
    folder = SAMPLES / function
    installed = folder / "node_modules" / ".package-lock.json"
    if _is_newer(installed, folder / "package-lock.json"):
        return
    if shutil.which("npm") is None:
        _say(f"{function}: left out, because npm is not installed (Debian: apt-get install npm)")
        return
    _say(f"{function}: installing its Node.js packages")
    _run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    installed.touch()


def compile_program(function: str) -> None:
    """Compile count.c to the executable `count`; the script does its work where no compiler is."""
    folder = SAMPLES / function
    program = folder / "count"
    if _is_newer(program, folder / "count.c"):
        return
    compiler = shutil.which("cc")
    if compiler is None:
        _say(f"{function}: no C compiler here, so count.sh stands in for count.c")
        shutil.copy(folder / "count.sh", program)
        program.chmod(0o755)
        return
    _run([compiler, "-O2", "-o", str(program), str(folder / "count.c")])


def compile_java(function: str, source: str) -> None:
    """Compile a class beside its source, against the interfaces that the runtime brings."""
    file = SAMPLES / function / source
    if _is_newer(file.with_suffix(".class"), file):
        return
    found = compilers()
    if not found:
        _say(f"{function}: left out, because no JDK is installed")
        return
    _say(f"{function}: compiling its class")
    options = ["--release", "8", "-nowarn", "-Xlint:-options", "-encoding", "UTF-8"]
    folders = ["-cp", str(compiled_runtime()), "-d", str(SAMPLES / function)]
    _run([str(found[0]), *options, *folders, str(file)])


def _python_of(function: str) -> str:
    """Return which Python the emulator will start for the function, for example `python3.12`."""
    project = tomllib.loads((SAMPLES.parent / "emulator.toml").read_text())
    found = languages.find(project["functions"][function]["runtime"])
    return (found or interpreters.own_python()).runtime


def _is_newer(path: Path, source: Path) -> bool:
    return path.exists() and path.stat().st_mtime >= source.stat().st_mtime


def _run(command: Sequence[str], folder: Path = SAMPLES) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
