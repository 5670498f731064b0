"""The rooms of STYLE section 1, and which way they may look."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).parent.parent / "emulator"

ANYTHING: Final = None
MAY_IMPORT: Final[dict[str, set[str] | None]] = {
    "model": set(),
    "observe": {"model"},
    "storage": {"model"},
    "control": {"model", "observe", "storage"},
    "runtime_api": {"model", "observe"},
    "sandbox": {"model", "observe", "runtime_api"},
    "invoke": {"model", "observe", "storage", "control", "runtime_api", "sandbox"},
    "aws": {"model", "observe"},
    "event_sources": {"model", "observe", "storage", "control", "invoke", "aws"},
    "durable": {"model", "observe", "storage", "control", "invoke"},
    "api": {"model", "observe", "control", "invoke", "durable"},
    "console": {"model", "observe", "control", "invoke"},
    "project": {"model", "observe", "control"},
    "gateway": {"model", "observe", "invoke", "api", "console", "aws"},
    "runtimes": set(),
    "settings": {"sandbox"},
    "assembly": ANYTHING,
    "app": ANYTHING,
    "cli": ANYTHING,
    "__main__": {"cli"},
    "__init__": set(),
}
STANDARD_LIBRARY_ONLY: Final = {"model", "runtimes", "__init__", "__main__"}
ONLY_IN: Final = {  # rooms that may import a library that is not for everybody
    "flask": {"api", "console"},
    "moto": {"aws", "api"},  # api: its parser and serialisers, none of its backends
    "granian": {"gateway"},
    "watchdog": {"project"},
    "docker": {"sandbox"},
    "nats": {"event_sources"},
    "click": {"cli"},
}


def violations(package: Path) -> list[str]:
    """One line for each import that the table does not allow."""
    return [
        f"{path.relative_to(package.parent)}:{line}: {complaint}"
        for path in sorted(package.rglob("*.py"))
        for line, module in imports(path, package)
        if not is_neighbour(path, module)
        if (complaint := objection(room_of(path.relative_to(package)), module))
    ]


def is_neighbour(path: Path, module: str) -> bool:
    """Files of a runtime are started as programs: they see those beside them by bare name."""
    return "runtimes" in path.parts and path.with_name(f"{module}.py").exists()


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Line and full module name of every import; `from emulator import x` counts as emulator.x."""
    parents = path.relative_to(package.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = parents[: len(parents) - node.level + 1] if node.level else ()
            module = ".".join((*here, *filter(None, [node.module])))
            if module == package.name:
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def objection(room: str, module: str) -> str | None:
    if room not in MAY_IMPORT:
        return f"{room} is no room; add it to STYLE section 1 and to this table"
    library, _, rest = module.partition(".")
    if library == "emulator":
        return _objection_to_room(room, rest.partition(".")[0])
    if room in STANDARD_LIBRARY_ONLY and library not in sys.stdlib_module_names:
        return f"{room} may import the standard library only, not {library}"
    if room not in ONLY_IN.get(library, {room}) and MAY_IMPORT[room] is not ANYTHING:
        return f"{room} may not import {library}"
    return None


def _objection_to_room(room: str, other: str) -> str | None:
    if other == "runtimes" and room != "runtimes":
        return "runtimes runs inside a sandbox; nothing imports it"
    allowed = MAY_IMPORT[room]
    if other in (room, "__version__") or allowed is ANYTHING or other in allowed:
        return None
    return f"{room} may not import {other}"


def test_no_room_looks_where_it_may_not() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        (
            "control/x.py",
            "from emulator.sandbox.pool import Pool",
            "control may not import sandbox",
        ),
        ("control/x.py", "from emulator import invoke", "control may not import invoke"),
        ("control/x.py", "from ..invoke import Invoker", "control may not import invoke"),
        ("control/deep/x.py", "from ...invoke.a import A", "control may not import invoke"),
        ("model/x.py", "def f():\n    import yaml", "model may import the standard library only"),
        ("aws/x.py", "import flask.views", "aws may not import flask"),
        ("event_sources/x.py", "from moto.s3 import models", "event_sources may not import moto"),
        ("runtimes/python/x.py", "import boto3", "runtimes may import the standard library only"),
        ("runtimes/python/x.py", "import emulator.model", "runtimes may not import model"),
        ("app.py", "from emulator.runtimes.python import x", "nothing imports it"),
        ("utils/x.py", "import os", "utils is no room"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, path: str, source: str, complaint: str) -> None:
    file = tmp_path / "emulator" / path
    file.parent.mkdir(parents=True)
    file.write_text(source)
    (found,) = violations(tmp_path / "emulator")
    assert found.startswith(f"emulator/{path}:")
    assert complaint in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("invoke/x.py", "from emulator.control.store import FunctionStore\nimport json"),
        ("invoke/x.py", "from . import admission\nfrom .admission import Admission"),
        ("console/x.py", "from emulator import __version__\nimport flask"),
        ("app.py", "import emulator.aws, emulator.gateway, moto"),
    ],
)
def test_a_right_import_is_not(tmp_path: Path, path: str, source: str) -> None:
    file = tmp_path / "emulator" / path
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert violations(tmp_path / "emulator") == []


# `lambda-emulator start` answers within 0.4 s; each of these alone costs a good part of that.
SLOW_LIBRARIES: Final = (
    *("flask", "werkzeug", "botocore", "boto3", "moto", "nats", "docker", "requests"),
    "emulator.sandbox.docker",  # not slow alone, but few need it
)


def test_importing_the_app_loads_no_slow_library() -> None:
    program = f"""
import sys
import emulator.app
print(*(name for name in {SLOW_LIBRARIES} if name in sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout.strip(), run.stderr) == ("", "")
