"""Which program of this machine runs which Lambda runtime: one table."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from emulator.sandbox.interpreters import Interpreter, find_python, pythons
from emulator.sandbox.jdks import jdks
from emulator.sandbox.nodes import nodes
from emulator.sandbox.rubies import rubies


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """Runtimes whose names begin alike, and what they need."""

    name: str  # the beginning of its runtimes' names
    program: str  # what is looked for
    available: Callable[[], Mapping[str, Interpreter]]  # by runtime, oldest first
    find: Callable[[str], Interpreter | None]  # what runs a runtime
    advice: str  # how to get the program

    def runs(self, runtime: str) -> bool:
        """Tell whether `runtime` is one of its."""
        return runtime.startswith(self.name)


def nearest(available: Mapping[str, Interpreter], runtime: str) -> Interpreter | None:
    """Return the program for `runtime`: of its version, else of the next newer, else the newest."""
    newer = [found for name, found in available.items() if _version(name) >= _version(runtime)]
    return next(iter(newer or reversed(list(available.values()))), None)


def _version(runtime: str) -> tuple[int, ...]:
    match = re.match(r"[a-z]+([\d.]*\d)", runtime)
    return tuple(map(int, match[1].split("."))) if match else ()


LANGUAGES: Final = (
    Language(
        name="python",
        program="Python",
        available=pythons,
        find=find_python,
        advice="uv python install 3.13, or pyenv install 3.13",
    ),
    Language(
        name="nodejs",
        program="Node.js 16 or newer",
        available=nodes,
        find=lambda runtime: nearest(nodes(), runtime),
        advice="install Node.js with your system's package manager or a version manager (nvm,"
        " fnm, volta, asdf, mise, n), so that `node` is in PATH or in the manager's folder",
    ),
    Language(
        name="java",
        program="a JDK",
        available=jdks,
        find=lambda runtime: nearest(jdks(), runtime),
        advice="Debian: apt-get install openjdk-17-jdk-headless; elsewhere, or for another"
        " version: sdk install java (sdkman.io), or point JAVA_HOME at one",
    ),
    Language(
        name="ruby",
        program="Ruby",
        available=rubies,
        find=lambda runtime: nearest(rubies(), runtime),
        advice="install Ruby with your system's package manager or a version manager (rbenv, rvm,"
        " asdf, mise)",
    ),
)


def is_exact(program: Interpreter, runtime: str) -> bool:
    """Tell whether a program is of the very version of a runtime, whatever the system below."""
    return _version(program.runtime) == _version(runtime)


def language_of(runtime: str) -> Language | None:
    """Return the language of a runtime; None: it brings its own program, or none is known."""
    return next((language for language in LANGUAGES if language.runs(runtime)), None)


def find(runtime: str) -> Interpreter | None:
    """Return what runs `runtime` here; None when no program of its language is there.

    Where it is not of that very version, `Interpreter.runtime` says which one it is.
    """
    language = language_of(runtime)
    return language.find(runtime) if language is not None else None


def available() -> list[Interpreter]:
    """Return every program found."""
    return [found for language in LANGUAGES for found in language.available().values()]
