"""Interpreters of this machine, and the Pythons among them."""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PYTHON = re.compile(r"python(3\.\d+)")
OLDEST_PYTHON = (3, 9)
# Where tools that manage several interpreters keep them, below the home folder.
_MANAGED = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin", ".asdf/installs/python/*/bin")
_SHARED = ("/nix/store", "/home/linuxbrew/.linuxbrew")
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A program that runs a language; `runtime` is Lambda's name for it."""

    runtime: str
    path: Path


def folders_of(found: Iterable[Interpreter]) -> list[Path]:
    """Return what these programs need of the machine, wherever they live: folders, mostly."""
    return [folder for item in found for folder in _needed(item.path.resolve())]


def _needed(path: Path) -> list[Path]:
    for shared in _SHARED:  # what it links to stands beside it, in packages of their own
        if any(folder.match(shared) for folder in path.parents):
            return [next(folder for folder in path.parents if folder.match(shared))]
    prefix, home = path.parent.parent, Path.home()
    if home.is_relative_to(path.parent):  # ~/node
        return [path]
    if home.is_relative_to(prefix) or prefix == home / ".local":  # ~/bin/node: not the whole home
        return [path.parent, *filter(Path.is_dir, [prefix / "lib"])]
    return [prefix]


def program_folders() -> Iterator[Path]:
    """Return the folders in which programs are looked for, PATH's first."""
    parts = os.environ.get("PATH", "").split(os.pathsep)
    # Shims are slow scripts that mostly refuse; what they stand for is found below the home.
    # A folder that this user may not look into would raise where it is searched.
    yield from (
        Path(part)
        for part in parts
        if not part.rstrip("/").endswith("/shims") and os.access(part, os.R_OK | os.X_OK)
    )
    yield from (Path(part) for part in _SYSTEM)
    for pattern in _MANAGED:
        yield from sorted(Path(os.path.expanduser("~")).glob(pattern), reverse=True)


def own_python() -> Interpreter:
    """Return the interpreter that runs the emulator, without its virtual environment."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Interpreter(runtime=f"python3.{sys.version_info.minor}", path=Path(base).resolve())


@functools.cache
def pythons() -> dict[str, Interpreter]:
    """Find CPython 3.9 and newer on this machine, by Lambda's runtime name, oldest first."""
    names = {
        path.name
        for folder in program_folders()
        for path in folder.glob("python3.*")
        if (match := _PYTHON.fullmatch(path.name)) and _version(match[1]) >= OLDEST_PYTHON
    }
    names.add(own_python().runtime)
    by_age = sorted(names, key=lambda name: _version(name[len("python") :]))
    return {name: found for name in by_age if (found := _python(name)) is not None}


@functools.cache
def _python(runtime: str) -> Interpreter | None:
    """Find the CPython of exactly one version.

    A candidate is started once to see that it works: version managers put scripts of the same
    name into PATH that fail for versions which are not selected.
    """
    if runtime == own_python().runtime:
        return own_python()
    for folder in program_folders():
        path = folder / runtime
        if path.is_file() and _answers(path, runtime[len("python") :]):
            return Interpreter(runtime=runtime, path=path.resolve())
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _answers(path: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"
    return output_of([str(path), "-I", "-S", "-c", code]) == f"{version} cpython"


def output_of(command: list[str]) -> str | None:
    """Return what a program prints; None when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@functools.cache
def find_python(runtime: str) -> Interpreter | None:
    """Return what runs a Python runtime here.

    The exact version when it is installed; else the one that comes nearest from above, or the
    newest: the caller compares `Interpreter.runtime` with what was asked for, and warns.
    """
    if not runtime.startswith("python3."):
        return None
    exact = _python(runtime)
    if exact is not None:
        return exact
    found = pythons()
    wanted = _version(runtime[len("python") :])
    newer = [item for name, item in found.items() if _version(name[len("python") :]) > wanted]
    return newer[0] if newer else list(found.values())[-1]
