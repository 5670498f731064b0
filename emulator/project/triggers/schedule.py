"""Triggers with `source = "schedule"`."""

from datetime import UTC, tzinfo

from emulator.model.schedule_expression import InvalidExpression, schedule_timetable, time_zone
from emulator.model.triggers.schedule import ScheduleTrigger
from emulator.project.table import Table


def read(table: Table) -> ScheduleTrigger:
    """Read one trigger; mistakes are noted in the table."""
    name = table.text("timezone", "UTC")
    expression = table.text("expression", required=True)
    zone: tzinfo = UTC
    try:
        zone = time_zone(name)
    except InvalidExpression:
        table.problem("timezone", f'"{name}" is no time zone like Europe/Berlin')
    if expression:
        try:
            schedule_timetable(expression, zone, 0.0)
        except InvalidExpression as error:
            table.problem("expression", f'"{expression}" is no schedule: {error}')
    return ScheduleTrigger(expression=expression, time_zone=name)
