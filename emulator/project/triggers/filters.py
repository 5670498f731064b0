"""`filters` of triggers that are event source mappings."""

from emulator.model.event_pattern import InvalidPattern, parse_pattern
from emulator.project.table import Table


def read_filters(table: Table) -> tuple[str, ...]:
    """Patterns as JSON; in the file each is a TOML table, or JSON as AWS's tools show it."""
    found = []
    for key, text in table.jsons("filters"):
        try:
            parse_pattern(text)
        except InvalidPattern as error:
            table.problem(key, f"is no filter pattern: {error}")
        else:
            found.append(text)
    if len(found) > 5:
        table.problem("filters", "has more than the 5 patterns a mapping can have")
    return tuple(found)
