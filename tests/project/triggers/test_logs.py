import tomllib

import pytest

from emulator.model.triggers.logs import LogsTrigger
from emulator.project.table import Problem, Table
from emulator.project.triggers import logs


def read(toml: str) -> tuple[LogsTrigger, list[str]]:
    problems: list[Problem] = []
    table = Table(tomllib.loads(toml), "triggers[0]", problems)
    trigger = logs.read(table)
    table.finish()
    return trigger, [problem.line for problem in problems]


def test_a_trigger_is_read() -> None:
    assert read("""log_group = "/aws/lambda/f"\npattern = '{ $.a = "b" }'""") == (
        LogsTrigger(log_group="/aws/lambda/f", pattern='{ $.a = "b" }'),
        [],
    )
    assert read('log_group = "g"') == (LogsTrigger(log_group="g"), [])


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("", "triggers[0].log_group: is missing"),
        ('log_group = "a b"', "is not a log group's name"),
        ('log_group = "g"\npattern = "a-b"', "is no filter pattern: Invalid character(s) in term"),
        ('log_group = "g"\nfilter = "a"', "unknown key"),
    ],
)
def test_a_mistake_is_told(toml: str, problem: str) -> None:
    _, [found] = read(toml)
    assert problem in found
