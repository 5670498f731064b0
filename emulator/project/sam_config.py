"""`samconfig.toml`: what `sam deploy` is told there about stack and parameters."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from emulator.project.config import ProjectError
from emulator.project.table import Problem

FILE_NAME: Final = "samconfig.toml"
_NAMED: Final = re.compile(r"ParameterKey=([^,]+),ParameterValue=(.*)", re.S)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamConfig:
    """What a project's stack is called, and the parameters it gets."""

    stack_name: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_sam_config(folder: Path) -> SamConfig:
    """Read the environment `default`; without the file the stack is called as its folder.

    Raises ProjectError.
    """
    file = folder / FILE_NAME
    try:
        values = tomllib.loads(file.read_text())
    except FileNotFoundError:
        values = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ProjectError(file, [Problem("", f"cannot be read: {error}")]) from None
    settings = {**_parameters(values, "global"), **_parameters(values, "deploy")}
    try:
        overrides = _overrides(settings.get("parameter_overrides", ()))
    except ValueError as error:
        key = "default.deploy.parameters.parameter_overrides"
        raise ProjectError(file, [Problem(key, str(error))]) from None
    return SamConfig(
        stack_name=_stack_name(str(settings.get("stack_name") or folder.name)),
        parameters=overrides,
    )


def _parameters(values: Mapping[str, Any], command: str) -> Mapping[str, Any]:
    found: Any = values
    for key in ("default", command, "parameters"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _overrides(given: object) -> dict[str, str]:
    """Read `Key=Value` pairs, in one text or a list of them; raises ValueError."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    texts = shlex.split(given) if isinstance(given, str) else [str(each) for each in _list(given)]
    found = {}
    for text in texts:
        named = _NAMED.fullmatch(text)
        key, equals, value = (named[1], "=", named[2]) if named else text.partition("=")
        if not equals:
            raise ValueError(f'"{text}" is not Key=Value')
        found[key] = value.strip("\"'")
    return found


def _list(given: object) -> list[Any]:
    if isinstance(given, list | tuple):
        return list(given)
    raise ValueError("must be a text or an array of Key=Value")


def _stack_name(text: str) -> str:
    """A name that CloudFormation takes: letters, digits and hyphens, a letter first."""
    name = re.sub(r"[^a-zA-Z0-9-]+", "-", text).strip("-")
    return (name if re.match(r"[a-zA-Z]", name) else f"project-{name}".rstrip("-"))[:128]
