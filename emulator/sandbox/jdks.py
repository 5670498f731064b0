"""The Java installations of this machine: where they stand, and which version each is."""

import functools
import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emulator.sandbox.interpreters import Interpreter, program_folders

# Where packages and version managers put a Java installation of its own.
_HOMES: Final = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
    "~/.jenv/versions/*",
    "~/.asdf/installs/java/*",
    "~/.local/share/mise/installs/java/*",
)
_VERSION: Final = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)
OLDEST: Final = 8


@functools.cache
def jdks() -> dict[str, Interpreter]:
    """Find Java 8 and newer, by Lambda's runtime name (`java21`), oldest first.

    Of several with one version that of JAVA_HOME comes first, then PATH's. One with a compiler
    comes before those without.
    """
    found: dict[int, Path] = {}
    for home in sorted(_homes(), key=lambda home: compiler_of(home) is None):
        version = _version(home)
        if version is not None and version >= OLDEST and (home / "bin" / "java").is_file():
            found.setdefault(version, home / "bin" / "java")
    return {
        f"java{version}": Interpreter(runtime=f"java{version}", path=found[version])
        for version in sorted(found)
    }


def compiler_of(home: Path) -> Path | None:
    """Return the compiler of an installation; None where it can run programs only."""
    compiler = home / "bin" / "javac"
    return compiler if compiler.is_file() else None


def compilers() -> list[Path]:
    """Return the compilers of this machine, the newest first."""
    homes = [found.path.parent.parent for found in reversed(jdks().values())]
    return [compiler for home in homes if (compiler := compiler_of(home)) is not None]


def _homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home).resolve()
    for folder in program_folders():
        if os.path.isfile(folder / "java"):
            yield (folder / "java").resolve().parent.parent
    for pattern in _HOMES:
        yield from (Path(home).resolve() for home in sorted(glob.glob(os.path.expanduser(pattern))))


def _version(home: Path) -> int | None:
    try:
        match = _VERSION.search((home / "release").read_text())
    except OSError:
        return None
    return int(match[1]) if match else None
