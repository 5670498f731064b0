"""Which runtime and handler a package of code has, judged by its files."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol

# In this order; what is not among them is taken when it is the only one.
_PYTHON: Final = (
    "lambda_function.lambda_handler",
    "app.handler",
    "app.lambda_handler",
    "handler.handler",
    "handler.lambda_handler",
    "main.handler",
)
_PYTHON_NAMES: Final = ("handler", "lambda_handler")
_NODE_ENDINGS: Final = (".mjs", ".js", ".cjs")


class Files(Protocol):
    """The files at the top of a package."""

    def names(self) -> list[str]:
        """Their names."""

    def text(self, name: str) -> str:
        """One of them, whatever its encoding."""

    def is_executable(self, name: str) -> bool:
        """Whether it may be run as a program."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """What CreateFunction wants to know beside the code."""

    runtime: str
    handler: str


class CannotInferError(Exception):
    """The files do not tell; the text says what was looked for and what to pass."""


def infer(files: Files, runtime_of: Callable[[str], str]) -> Inferred:
    """Find the handler.

    runtime_of: tells the runtime to run "python" or "nodejs" on. Raises CannotInferError when no
    handler is found, or several and none has one of the usual names.
    """
    names = sorted(files.names())
    if "bootstrap" in names:
        if not files.is_executable("bootstrap"):
            raise CannotInferError("bootstrap is not executable: chmod +x bootstrap")
        return Inferred("provided.al2023", "bootstrap")
    pythons = [found for name in names for found in _in_python(files, name)]
    nodes = list(_in_node(files, names))
    if pythons and nodes:
        raise _ambiguous([*pythons, *nodes])
    if nodes:
        return Inferred(runtime_of("nodejs"), nodes[0])
    usual = [handler for handler in _PYTHON if handler in pythons]
    if not usual and len(pythons) > 1:
        raise _ambiguous(pythons)
    if not pythons:
        raise CannotInferError(
            "no handler found: looked for a function handler or lambda_handler in *.py, for"
            ' index.js, index.mjs or "main" of package.json, and for an executable bootstrap.'
            " Pass --runtime and --handler."
        )
    return Inferred(runtime_of("python"), (usual or pythons)[0])


def _in_python(files: Files, name: str) -> Iterator[str]:
    path = PurePosixPath(name)
    if path.suffix != ".py":
        return
    try:
        statements = ast.parse(files.text(name)).body
    except (SyntaxError, ValueError):  # the invocation shows it, with its line
        statements = []
    defined = {found for statement in statements for found in _defined(statement)}
    yield from (f"{path.stem}.{wanted}" for wanted in _PYTHON_NAMES if wanted in defined)


def _defined(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def _in_node(files: Files, names: list[str]) -> Iterator[str]:
    if "package.json" in names and (main := _main_of(files.text("package.json"))):
        yield f"{main}.handler"
        return
    scripts = [name for name in names if name.endswith(_NODE_ENDINGS)]
    for name in scripts:
        stem = PurePosixPath(name).stem
        if stem == "index" or (len(scripts) == 1 and _exports_handler(files.text(name))):
            yield f"{stem}.handler"
            return


def _main_of(package: str) -> str | None:
    try:
        main = json.loads(package).get("main")
    except (ValueError, AttributeError):
        return None
    if not isinstance(main, str):
        return None
    path = PurePosixPath(main)
    return str(path.with_suffix("")) if path.suffix in _NODE_ENDINGS else str(path)


def _exports_handler(script: str) -> bool:
    return re.search(r"\bexport\b.*\bhandler\b|\bexports\.handler\b", script) is not None


def _ambiguous(handlers: list[str]) -> CannotInferError:
    return CannotInferError(
        f"several handlers: {', '.join(handlers)}. Pass --handler and --runtime."
    )
