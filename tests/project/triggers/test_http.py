from typing import Any

import pytest

from emulator.model.triggers.http import HttpTrigger
from emulator.project.table import Problem, Table
from emulator.project.triggers import http


def read(**values: Any) -> tuple[HttpTrigger, list[Problem]]:
    problems: list[Problem] = []
    return http.read(Table(values, "t", problems)), problems


@pytest.mark.parametrize(
    "path", ["/", "/a", "/orders/{id}", "/{proxy+}", "/a/{b}/c-1.json", "/a/{rest+}"]
)
def test_a_path_may_hold_variables(path: str) -> None:
    assert read(path=path, method="GET") == (HttpTrigger(method="GET", path=path), [])


def test_without_a_method_any_will_do() -> None:
    assert read(path="/a")[0].summary == "ANY /a"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"path": ""},
        {"path": "a"},
        {"path": "/a/"},
        {"path": "/{proxy+}/a"},
        {"path": "/{}"},
        {"path": "/a", "method": "get"},
    ],
)
def test_other_paths_and_methods_are_mistakes(values: dict[str, str]) -> None:
    assert len(read(**values)[1]) == 1


def test_a_mistyped_option_is_told_the_right_one() -> None:
    problems: list[Problem] = []
    table = Table({"path": "/a", "methd": "GET"}, "t", problems)
    http.read(table)
    table.finish()
    (problem,) = problems
    assert problem.line == 't.methd: unknown key (have: method, path). Did you mean "method"?'


def test_two_functions_cannot_have_one_route() -> None:
    problems: list[Problem] = []
    tables = [Table({}, f"functions.{name}", problems) for name in "ab"]
    trigger = HttpTrigger(method="GET", path="/a")
    http.note_overlaps([(table, trigger) for table in tables])
    (problem,) = problems
    assert "functions.a.path" in problem.line
