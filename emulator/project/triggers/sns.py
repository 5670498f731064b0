"""Triggers with `source = "sns"`."""

import json
from typing import Final

from emulator.model.event_pattern import InvalidPattern, parse_pattern
from emulator.model.triggers.sns import FILTER_SCOPES, SnsTrigger
from emulator.project.table import Table

TOPIC: Final = r"[A-Za-z0-9_-]{1,256}"
TOPIC_FORM: Final = (
    "a topic's name: up to 256 letters, digits, - or _ (a FIFO topic takes no functions)"
)


def read(table: Table) -> SnsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    policy = _policy(table) if "filter_policy" in table else None
    scope = FILTER_SCOPES[0]
    if "filter_scope" in table:
        scope = table.choice("filter_scope", FILTER_SCOPES, "a scope of a filter policy")
        if "filter_policy" not in table:
            table.problem("filter_scope", "means nothing without filter_policy")
    return SnsTrigger(
        topic=table.text("topic", required=True, form=TOPIC, what=TOPIC_FORM),
        filter_policy=policy,
        filter_scope=scope,
    )


def _policy(table: Table) -> str | None:
    """A TOML table, or JSON as in SNS's own attribute."""
    if text := table.json("filter_policy"):
        try:
            return json.dumps(parse_pattern(text), separators=(",", ":"))
        except InvalidPattern as error:
            table.problem("filter_policy", f"is no filter policy: {error}")
    return None
