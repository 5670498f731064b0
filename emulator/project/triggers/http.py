"""Triggers with `source = "http"`."""

from collections.abc import Sequence
from typing import Final

from emulator.model.triggers.http import HttpTrigger
from emulator.project.table import Table

_METHODS: Final = ("ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PATH: Final = (
    r"/|(?=/.)(/([A-Za-z0-9._~:@!$&'()*,;=-]+|\{[A-Za-z0-9._-]+\}))*(/\{[A-Za-z0-9._-]+\+\})?"
)
_PATH_FORM: Final = 'a path like "/orders/{id}"; only its last part may be like "{proxy+}"'


def read(table: Table) -> HttpTrigger:
    """Read one trigger; mistakes are noted in the table."""
    method = table.choice("method", _METHODS, "a method") if "method" in table else ""
    return HttpTrigger(
        method=method or "ANY",
        path=table.text("path", required=True, form=_PATH, what=_PATH_FORM),
    )


def note_overlaps(triggers: Sequence[tuple[Table, HttpTrigger]]) -> None:
    """Note the routes that two functions would have in common."""
    first: dict[str, Table] = {}
    for table, trigger in triggers:
        other = first.setdefault(trigger.summary, table)
        if other is not table:
            table.problem("path", f"is taken: {other.path('path')} has the same route")
