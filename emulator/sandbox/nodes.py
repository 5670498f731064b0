"""The Node.js programs of this machine: in PATH, and where version managers keep them."""

import functools
import glob
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from emulator.sandbox.interpreters import Interpreter, output_of, program_folders

# The variable that moves a version manager's folder, the folder, and the programs' place in it.
_MANAGERS: Final = (
    ("NVM_DIR", "~/.nvm", "versions/node/*/bin"),
    ("FNM_DIR", "~/.local/share/fnm", "node-versions/*/installation/bin"),
    ("FNM_DIR", "~/.fnm", "node-versions/*/installation/bin"),
    ("VOLTA_HOME", "~/.volta", "tools/image/node/*/bin"),
    ("ASDF_DATA_DIR", "~/.asdf", "installs/nodejs/*/bin"),
    ("MISE_DATA_DIR", "~/.local/share/mise", "installs/node/*/bin"),
    ("NODENV_ROOT", "~/.nodenv", "versions/*/bin"),
    ("N_PREFIX", "/usr/local", "n/versions/node/*/bin"),
)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
# A program in PATH may be a script of a version manager, so it is asked who really runs.
_QUESTION: Final = "console.log(process.version, process.execPath)"
OLDEST: Final = 16
_AT_ONCE: Final = 8


@functools.cache
def nodes() -> dict[str, Interpreter]:
    """Find Node.js 16 and newer, by Lambda's runtime name (`nodejs22.x`), oldest first.

    Of several with one major version PATH's own comes first, then the newest.
    """
    in_path: dict[Path, Path] = {}  # links of one program, as /bin often is, are asked once
    for folder in program_folders():
        in_path.setdefault((folder / "node").resolve(), folder / "node")
    found: dict[int, Interpreter] = {}
    _add(found, list(in_path.values()))
    _add(found, [path for path, major in _managed() if major not in found])
    return {found[major].runtime: found[major] for major in sorted(found)}


def _managed() -> list[tuple[Path, int]]:
    by_version = {}
    for variable, default, pattern in _MANAGERS:
        root = Path(os.environ.get(variable) or os.path.expanduser(default))
        for folder in glob.glob(f"{root}/{pattern}"):  # a folder of another user's has none
            path = Path(folder, "node").resolve()  # of an alias such as `lts`
            for part in _versions(path):
                by_version[part] = path
    return [(by_version[version], version[0]) for version in sorted(by_version, reverse=True)]


def _versions(path: Path) -> Iterator[tuple[int, int, int]]:
    for part in reversed(path.parts):
        if match := _VERSION.fullmatch(part):
            yield (int(match[1]), int(match[2]), int(match[3]))
            return


def _add(found: dict[int, Interpreter], paths: Sequence[Path]) -> None:
    """Ask programs, all at once as each takes a moment; the first of a major version counts."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for major, program in filter(None, threads.map(_asked, paths)):
            found.setdefault(major, program)


def _asked(path: Path) -> tuple[int, Interpreter] | None:
    if not os.path.isfile(path):  # False too in a folder of another user's
        return None
    version, _, program = (output_of([str(path), "-e", _QUESTION]) or "").partition(" ")
    match = _VERSION.fullmatch(version)
    if match is None or int(match[1]) < OLDEST:
        return None
    return int(match[1]), Interpreter(runtime=f"nodejs{match[1]}.x", path=Path(program))
