"""Which template of a path (`/orders/{id}`, `/{proxy+}`) a request's path matches best."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A template that fits, and what its variables stand for."""

    template: str
    variables: Mapping[str, str]
    rank: tuple[int, ...]  # lower is better: per segment 0 literal, 1 variable, 2 greedy


def best_match(templates: Iterable[str], path: str) -> Match | None:
    """The most specific template that fits `path`; None when none does.

    Segments are compared from the left: a literal one beats a variable, which beats a greedy one.
    """
    found = [match for template in templates if (match := match_path(template, path))]
    return min(found, key=lambda match: match.rank, default=None)


def match_path(template: str, path: str) -> Match | None:
    """Compare one template with a path, which is still quoted."""
    wanted, given = _segments(template), _segments(path)
    variables: dict[str, str] = {}
    rank: list[int] = []
    for position, segment in enumerate(wanted):
        rest = given[position:]
        if not rest:
            return None
        if segment.endswith("+}"):
            variables[segment[1:-2]] = unquote("/".join(rest))
            return Match(template=template, variables=variables, rank=(*rank, 2))
        if segment.startswith("{"):
            variables[segment[1:-1]] = unquote(rest[0])
            rank.append(1)
        elif segment == unquote(rest[0]):
            rank.append(0)
        else:
            return None
    if len(given) > len(wanted):
        return None
    return Match(template=template, variables=variables, rank=tuple(rank))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
