"""How a row of the behaviour table is run and compared, whatever runs the functions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.behaviour.table import (
    Case,
    Cell,
    Function,
    Language,
    deployed_name,
    has_line,
    says,
)
from tests.end_to_end.calls import Answer, invoke
from tests.running_emulator import RunningEmulator


def write_project(
    project: Path, languages: Sequence[Language], top: str = "", only: str | None = None
) -> Path:
    """Write a function for each that a language has; `top`: the first lines of emulator.toml."""
    lines = [top]
    for language in languages:
        folders: dict[str, str] = {}  # by source: functions that differ in settings share one
        for function, deployed in language.functions.items():
            if only in (None, function):
                name = deployed_name(language, function)
                folder = folders.setdefault(deployed.source, name)
                if folder == name:
                    (project / name).mkdir()
                    language.write(project / name, deployed.source)
                lines += _table(language, name, folder, deployed)
    (project / "emulator.toml").write_text("\n".join(lines))
    return project


def _table(language: Language, name: str, folder: str, deployed: Function) -> list[str]:
    return [
        f'[functions.{name}]\ncode = "{folder}/{language.code}"\nruntime = "{language.runtime}"',
        f'handler = "{deployed.handler}"\n{deployed.settings}',
    ]


def check_case(emulator: RunningEmulator, functions: Any, language: Language, case: Case) -> None:
    """Invoke, and compare what comes back with the cell of this row and column."""
    if case.name in language.no_such:
        pytest.skip(language.no_such[case.name])
    cell = language.cell(case)
    name = deployed_name(language, case.function)
    is_initialised = case.function in ("main", "hasty", "hungry")
    before = token(emulator, functions, name) if is_initialised else None

    answer = invoke(functions, name, case.event, **case.options)

    _check(answer, cell, language, name)
    if is_initialised:
        after = token(emulator, functions, name)
        assert (before != after) is cell.resets, "whether the environment was reset"


def token(emulator: RunningEmulator, functions: Any, name: str) -> Any:
    """Return what only one process of the function says, with no other invocation under way."""
    emulator.settle()  # one that has answered may still be busy, and another serve this one
    token = invoke(functions, name, {"do": "token"}).result
    emulator.settle()
    return token


def _check(answer: Answer, cell: Cell, language: Language, name: str) -> None:
    """Compare an answer with its cell."""
    if cell.error is None:
        assert answer.result == _filled_in(cell.result, answer, name)
    else:
        error_type, message = answer.error
        assert error_type == cell.error[0]
        assert says(message, cell.error[1]), message
        assert tuple(answer.document) == (cell.keys or language.error_keys)
    if cell.first_frame is not None:
        frames = answer.document[language.error_keys[-1]]
        assert says(frames[0], cell.first_frame), frames
    for line in cell.log:
        assert has_line(answer.log, _filled_in(line, answer, name)), answer.log


def _filled_in(expected: Any, answer: Answer, name: str) -> Any:
    if isinstance(expected, dict):
        return {key: _filled_in(value, answer, name) for key, value in expected.items()}
    if isinstance(expected, str) and len(expected) < 1000:
        return expected.replace("REQUEST ID", answer.request_id).replace("FUNCTION", name)
    return expected
