"""A project that a test writes, and goes on writing while the emulator runs it."""

import os
import sys
from pathlib import Path
from textwrap import dedent

RUNTIME = f"python3.{sys.version_info.minor}"


class ProjectFolder:
    """A folder with an `emulator.toml` and a folder for each Python function.

    top: the lines of `emulator.toml` before those of the functions.
    """

    def __init__(self, path: Path, top: str = "") -> None:
        self.path = path
        self.file = path / "emulator.toml"
        self._top = dedent(top)
        self._tables: dict[str, str] = {}  # by function name
        path.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, source: str, settings: str = "") -> Path:
        """Write a function and its table, with `settings` as its last lines; return its source."""
        code = self.path / name / "app.py"
        code.parent.mkdir(exist_ok=True)
        code.write_text(dedent(source))
        self._tables[name] = (
            f'[functions.{name}]\ncode = "{name}"\nhandler = "app.handler"\n'
            f'runtime = "{RUNTIME}"\n{dedent(settings)}\n'
        )
        self._save()
        return code

    def remove(self, name: str) -> None:
        """Take a function out of `emulator.toml`."""
        del self._tables[name]
        self._save()

    def _save(self) -> None:
        save_by_rename(self.file, self._top + "".join(self._tables.values()))


def save_by_rename(path: Path, text: str) -> None:
    """Save as most editors do: nobody ever sees half a file."""
    beside = path.with_name(f".{path.name}.saved")
    beside.write_text(text)
    os.replace(beside, path)
