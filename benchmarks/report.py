"""What was measured, beside what we aim at: a table for people, JSON for programs."""

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number.

    `limit` is the aim, or None; `floor` is the same figure of the floor, in the same run.
    """

    name: str
    value: float | None  # None: cannot be measured on this machine
    unit: str
    limit: float | None = None
    higher_is_better: bool = False
    floor: float | None = None

    @property
    def passes(self) -> bool | None:
        """Whether the aim is met; None without an aim or a value."""
        if self.limit is None or self.value is None:
            return None
        if self.higher_is_better:
            return self.value >= self.limit
        return self.value <= self.limit


Column = tuple[str, Callable[[Figure], str]]
COLUMNS: tuple[Column, ...] = (
    ("figure", lambda figure: figure.name),
    ("measured", lambda figure: _number(figure.value, figure.unit)),
    ("aim", lambda figure: _aim(figure)),
    ("floor", lambda figure: _number(figure.floor, figure.unit)),
    ("of floor", lambda figure: _ratio(figure)),
    ("", lambda figure: {True: "ok", False: "MISSED", None: ""}[figure.passes]),
)


def header() -> str:
    """Head of the table, in Markdown."""
    titles = [title for title, _ in COLUMNS]
    return _row(titles) + "\n" + _row(["---"] * len(COLUMNS))


def row(figure: Figure) -> str:
    """One line of the table."""
    return _row([text(figure) for _, text in COLUMNS])


def as_json(figures: Iterable[Figure]) -> dict[str, Any]:
    """All figures, and the machine they are of."""
    machine = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),  # what else ran tells how far to trust the figures
    }
    return {
        "machine": machine,
        "figures": [asdict(figure) | {"passes": figure.passes} for figure in figures],
    }


def _row(cells: Iterable[str]) -> str:
    widths = (44, 14, 14, 14, 8, 6)
    return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def _aim(figure: Figure) -> str:
    if figure.limit is None:
        return "-"
    return ("≥ " if figure.higher_is_better else "≤ ") + _number(figure.limit, figure.unit)


def _ratio(figure: Figure) -> str:
    if figure.value is None or not figure.floor:
        return "-"
    return f"{figure.value / figure.floor:.2f} x"
