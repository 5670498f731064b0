"""Triggers with `source = "logs"`."""

from typing import Final

from emulator.model.log_condition import InvalidLogPattern
from emulator.model.log_pattern import parse_log_pattern
from emulator.model.triggers.logs import LogsTrigger
from emulator.project.table import Table

_LOG_GROUP: Final = r"[.\-_/#A-Za-z0-9]{1,512}"


def read(table: Table) -> LogsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    pattern = table.text("pattern")
    try:
        parse_log_pattern(pattern)
    except InvalidLogPattern as error:
        table.problem("pattern", f"is no filter pattern: {error}")
    return LogsTrigger(
        log_group=table.text(
            "log_group", required=True, form=_LOG_GROUP, what="a log group's name"
        ),
        pattern=pattern,
    )
