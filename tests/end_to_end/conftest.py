"""A project's folder, written by the test that starts an emulator on it."""

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.end_to_end.nobody import works
from tests.end_to_end.project_folder import ProjectFolder
from tests.end_to_end.stack_calls import Stacks
from tests.running_emulator import REPOSITORY, RunningEmulator, running_emulator


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


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that nobody may use; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="nobody-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def packages(open_folder: Path) -> str:
    """A PYTHONPATH that nobody can read; a copy where the checkout is private."""
    installed = Path(sysconfig.get_path("purelib"))
    if not all(works("test", "-r", str(path)) for path in (REPOSITORY / "emulator", installed)):
        unneeded = shutil.ignore_patterns("mypy*", "ruff*", "awscli*", "__pycache__")
        shutil.copytree(REPOSITORY / "emulator", open_folder / "copy" / "emulator")
        shutil.copytree(installed, open_folder / "copy" / "installed", ignore=unneeded)
        return f"{open_folder}/copy:{open_folder}/copy/installed"
    return f"{REPOSITORY}:{installed}"


@pytest.fixture(scope="session")
def python(packages: str) -> str:
    """A Python of this version that nobody may run."""
    name = f"python3.{sys.version_info.minor}"
    candidates = [os.path.realpath(sys.executable), f"/usr/local/bin/{name}", f"/usr/bin/{name}"]
    for path in candidates:
        if works(path, "-c", "import emulator.app, moto.server", PYTHONPATH=packages):
            return path
    pytest.skip(f"nobody can run the emulator with any of {', '.join(candidates)}")


@pytest.fixture(scope="module")
def stack_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """With a function `kept` of its project; one for all tests of a module."""
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("kept", "def handler(event, context):\n    return 1\n")
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def stacks(stack_emulator: RunningEmulator) -> Stacks:
    """Its CloudFormation, with no stack yet."""
    stack_emulator.reset()
    return Stacks(stack_emulator)
