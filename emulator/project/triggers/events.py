"""Triggers with `source = "events"`."""

import json
from typing import Final

from emulator.model.event_pattern import InvalidPattern, parse_pattern
from emulator.model.triggers.events import EventsTrigger
from emulator.project.table import Table

_BUS: Final = r"[A-Za-z0-9_./-]{1,256}"


def read(table: Table) -> EventsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    return EventsTrigger(
        pattern=_pattern(table),
        bus=table.text("bus", "default", form=_BUS, what="an event bus's name"),
    )


def _pattern(table: Table) -> str:
    """A TOML table, or JSON as EventBridge's own tools show it."""
    text = table.json("pattern")
    if text:
        try:
            return json.dumps(parse_pattern(text), separators=(",", ":"))
        except InvalidPattern as error:
            table.problem("pattern", f"is no event pattern: {error}")
    return ""
