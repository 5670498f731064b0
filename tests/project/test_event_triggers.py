"""`source = "events"` and `source = "schedule"` in a project's file."""

from pathlib import Path

import pytest

from emulator.model.triggers.events import EventsTrigger
from emulator.model.triggers.schedule import ScheduleTrigger
from emulator.project.config import ProjectError, load

FUNCTION = """
[functions.f]
code = "."
handler = "app.handler"
runtime = "python3.12"
[[functions.f.triggers]]
"""


def read(folder: Path, *lines: str) -> tuple[object, ...]:
    (folder / "emulator.toml").write_text(FUNCTION + "\n".join(lines))
    return load(folder).functions["f"].triggers


@pytest.mark.parametrize(
    "pattern",
    [
        '{ source = ["shop"], detail = { total = [{ numeric = [">", 10] }] } }',
        """'{"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}}'""",
    ],
)
def test_a_pattern_is_a_table_or_json(tmp_path: Path, pattern: str) -> None:
    [trigger] = read(tmp_path, 'source = "events"', f"pattern = {pattern}", 'bus = "orders"')
    assert trigger == EventsTrigger(
        pattern='{"source":["shop"],"detail":{"total":[{"numeric":[">",10]}]}}', bus="orders"
    )


def test_the_default_bus_need_not_be_named(tmp_path: Path) -> None:
    [trigger] = read(tmp_path, 'source = "events"', 'pattern = { source = ["shop"] }')
    assert isinstance(trigger, EventsTrigger)
    assert trigger.bus == "default"


def test_a_schedule_may_be_in_a_time_zone(tmp_path: Path) -> None:
    lines = ['source = "schedule"', 'expression = "cron(0 3 * * ? *)"']
    assert read(tmp_path, *lines) == (ScheduleTrigger(expression="cron(0 3 * * ? *)"),)
    [trigger] = read(tmp_path, *lines, 'timezone = "Europe/Berlin"')
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.summary == "schedule://cron(0 3 * * ? *) Europe/Berlin"


@pytest.mark.parametrize(
    ("lines", "key", "text"),
    [
        (['source = "events"'], "pattern", "is missing"),
        (['source = "events"', "pattern = {}"], "pattern", "Empty objects are not allowed"),
        (['source = "events"', "pattern = { source = 1 }"], "pattern", '"source" must be'),
        (['source = "events"', "pattern = '{'"], "pattern", "Invalid JSON"),
        (['source = "events"', "pattern = 3"], "pattern", "must be a table or a string of JSON"),
        (['source = "events"', "pattern = { a = [2026-11-22] }"], "pattern", "holds a date"),
        (['source = "schedule"'], "expression", "is missing"),
        (['source = "schedule"', 'expression = "cron(* * *)"'], "expression", "six fields"),
        (['source = "schedule"', 'expression = "daily"'], "expression", "is no schedule"),
        (
            ['source = "schedule"', 'expression = "rate(1 day)"', 'timezone = "Berlin"'],
            "timezone",
            '"Berlin" is no time zone like Europe/Berlin',
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, lines: list[str], key: str, text: str) -> None:
    with pytest.raises(ProjectError) as refused:
        read(tmp_path, *lines)
    [problem] = refused.value.problems
    assert problem.key == f"functions.f.triggers[0].{key}"
    assert text in problem.text
