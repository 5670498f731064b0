"""Triggers with `source = "sns"`."""

import json
from typing import Final

from emulator.model.triggers.sns import FILTER_SCOPES, SnsTrigger
from emulator.project.table import Table

TOPIC: Final = r"[A-Za-z0-9_-]{1,256}"
TOPIC_FORM: Final = (
    "a topic's name: up to 256 letters, digits, - or _ (a FIFO topic takes no functions)"
)


def read(table: Table) -> SnsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    policy = table.document("filter_policy")
    scope = FILTER_SCOPES[0]
    if "filter_scope" in table:
        scope = table.choice("filter_scope", FILTER_SCOPES, "a scope of a filter policy")
        if policy is None:
            table.problem("filter_scope", "means nothing without filter_policy")
    return SnsTrigger(
        topic=table.text("topic", required=True, form=TOPIC, what=TOPIC_FORM),
        filter_policy=None if policy is None else json.dumps(policy, separators=(",", ":")),
        filter_scope=scope,
    )
