"""A project's folder, written by the test that starts an emulator on it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def write_function(project: Path) -> Callable[..., Path]:
    """Call it with a name, a Python source and more lines of its table; returns the source's path.

    The source is `app.py` in a folder of the function's name, its handler is `handler`.
    """

    def write(name: str, source: str, settings: str = "") -> Path:
        code = project / name / "app.py"
        code.parent.mkdir()
        code.write_text(dedent(source))
        with (project / "emulator.toml").open("a") as file:
            file.write(
                f'[functions.{name}]\ncode = "{name}"\nhandler = "app.handler"\n'
                f'runtime = "python3.12"\n{dedent(settings)}\n'
            )
        return code

    return write
