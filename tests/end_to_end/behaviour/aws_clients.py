"""Columns of AWS's own runtime interface clients, unmodified: the bootstrap of a function."""

import importlib.metadata
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from emulator.sandbox import interpreters, languages
from tests.end_to_end.behaviour import nodejs, python
from tests.end_to_end.behaviour.table import CASES, Cell, variables

RUNTIME: Final = "provided.al2023"
# Python's client: the distributions it consists of.
_DISTRIBUTIONS: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
# Node's client, as `make ric` installs it; the other packages only build it.
_NODE_CLIENT: Final = Path(__file__).parent / "aws_lambda_ric" / "node_modules" / "aws-lambda-ric"
_NODE_PARTS: Final = ("bin", "dist", "package.json")


def write_python(folder: Path, source: str) -> None:
    """Put a Python function, its runtime and a bootstrap into a folder."""
    python.write(folder, source)
    for name in _DISTRIBUTIONS:
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] != "..":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), folder / file)
    _write_bootstrap(folder, f"{interpreters.own_python().path} -m awslambdaric")


def write_node(folder: Path, source: str) -> None:
    """Put a Node function, its runtime and a bootstrap into a folder."""
    nodejs.write(folder, source)
    package = folder / "node_modules" / "aws-lambda-ric"
    package.mkdir(parents=True)
    for part in _NODE_PARTS:
        found = _NODE_CLIENT / part
        (shutil.copytree if found.is_dir() else shutil.copy)(found, package / part)
    node = languages.find("nodejs20.x")
    assert node is not None
    _write_bootstrap(folder, f"{node.path} {package.relative_to(folder)}/bin/index.mjs")


def _write_bootstrap(folder: Path, command: str) -> None:
    bootstrap = folder / "bootstrap"
    bootstrap.write_text(f'#!/bin/sh\nexec {command} "$_HANDLER"\n')
    bootstrap.chmod(0o755)


def _missing_python_client() -> str | None:
    try:
        importlib.metadata.version("awslambdaric")
    except importlib.metadata.PackageNotFoundError:
        return "awslambdaric is not installed: make setup"
    return None


def _missing_node_client() -> str | None:
    if languages.find("nodejs20.x") is None:
        return "no Node.js on this machine"
    if not (_NODE_CLIENT / "dist" / "rapid-client.node").exists():
        return "aws-lambda-ric is not installed: make ric"
    return None


def _framed(cell: Cell) -> Cell:
    """Return the cell of a client that frames its log lines: they keep newlines."""
    lines = (line.replace("\r", "\n") for line in cell.log)
    return replace(cell, log=tuple(lines))


def _row(case: str) -> Cell:
    cell = next(row.expected for row in CASES if row.name == case)
    assert cell is not None
    return cell


def _required_here(case: str) -> Cell:
    """Return the cell of a module not found: in AWS the client stands in /var/runtime."""
    cell = nodejs.CELLS[case]
    assert cell.error is not None
    error_type, message = cell.error
    here = "/var/task/node_modules/aws-lambda-ric/dist/index.mjs"
    return replace(cell, error=(error_type, message.replace("/var/runtime/index.mjs", here)))


_NOT_FOUND: Final = ("handler in a missing module", "missing dependency")
AWSLAMBDARIC: Final = replace(
    python.PYTHON,
    name="awslambdaric",
    runtime=RUNTIME,
    write=write_python,
    cells={
        **{name: _framed(cell) for name, cell in python.CELLS.items()},
        "environment variables": variables(RUNTIME, "awslambdaric-main", python.HANDLER),
        # The client ends its process when a response of its own is refused.
        "response a byte too large": replace(_row("response a byte too large"), resets=True),
    },
    missing=_missing_python_client(),
)
AWS_LAMBDA_RIC: Final = replace(
    nodejs.NODEJS_22,
    name="aws-lambda-ric",
    runtime=RUNTIME,
    write=write_node,
    cells={
        **{name: _framed(cell) for name, cell in nodejs.CELLS.items()},
        "environment variables": variables(RUNTIME, "aws-lambda-ric-main", nodejs.HANDLER),
        **{name: _required_here(name) for name in _NOT_FOUND},
    },
    missing=_missing_node_client(),
)
