"""The Ruby programs of this machine: in PATH, and where version managers keep them."""

import functools
import glob
import os
import re
from pathlib import Path
from typing import Final

from emulator.sandbox.interpreters import Interpreter, output_of, program_folders

_MANAGED: Final = (
    "~/.rbenv/versions/*/bin",
    "~/.rvm/rubies/*/bin",
    "~/.rubies/*/bin",
    "/opt/rubies/*/bin",
    "~/.asdf/installs/ruby/*/bin",
    "~/.local/share/mise/installs/ruby/*/bin",
)
_QUESTION: Final = "puts RUBY_VERSION, RbConfig.ruby"  # PATH may hold a version manager's script
_VERSION: Final = re.compile(r"(\d+\.\d+)\.")


@functools.cache
def rubies() -> dict[str, Interpreter]:
    """Find Ruby by Lambda's runtime name (`ruby3.4`), oldest first; PATH's own before others."""
    found: dict[tuple[int, ...], Interpreter] = {}
    managed = [folder for pattern in _MANAGED for folder in _newest_first(pattern)]
    for folder in [*program_folders(), *managed]:
        if os.path.isfile(folder / "ruby"):
            answer = output_of(
                [str(folder / "ruby"), "--disable-gems", "-rrbconfig", "-e", _QUESTION]
            )
            version, _, program = (answer or "").partition("\n")
            if match := _VERSION.match(version):
                key = tuple(map(int, match[1].split(".")))
                found.setdefault(key, Interpreter(runtime=f"ruby{match[1]}", path=Path(program)))
    return {found[key].runtime: found[key] for key in sorted(found)}


def _newest_first(pattern: str) -> list[Path]:
    return [Path(folder) for folder in sorted(glob.glob(os.path.expanduser(pattern)), reverse=True)]
