"""Which route of an HTTP API a request takes."""

from collections.abc import Iterable, Mapping

from emulator.aws.http_api_snapshot import Route
from emulator.event_sources.api_gateway.paths import match_path

DEFAULT = "$default"


def choose(
    routes: Iterable[Route], method: str, path: str
) -> tuple[Route, Mapping[str, str]] | None:
    """The most specific route for a method and a path, and its path variables; None: no route.

    Of two with the same path the exact method comes before ANY; `$default` comes last.
    """
    found, default = [], None
    for route in routes:
        wanted, _, template = route.key.partition(" ")
        if route.key == DEFAULT:
            default = route
        elif wanted in (method, "ANY") and (match := match_path(template, path)):
            found.append(((match.rank, wanted == "ANY"), route, match.variables))
    if found:
        _, best, variables = min(found, key=lambda one: one[0])
        return best, variables
    return None if default is None else (default, {})
