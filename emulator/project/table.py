"""A TOML table read key by key; every mistake is noted, none stops the reading."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from emulator.model import nearest

Kind = TypeVar("Kind")
Default = TypeVar("Default")

_TOML_NAMES: Final = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a project's file."""

    key: str  # functions.resize.triggers[0].bucket; "" for the file as a whole
    text: str

    @property
    def line(self) -> str:
        """The mistake as it is printed behind the file's name."""
        return f"{self.key}: {self.text}" if self.key else self.text


class Table:
    """One table of a TOML file.

    Every reading method returns the default when the key is missing or its value is wrong, and
    notes what is wrong in `problems`. `finish` notes the keys nobody asked for.
    """

    def __init__(self, values: dict[str, Any], path: str, problems: list[Problem]) -> None:
        self._values = values
        self._path = path
        self._problems = problems
        self._known: dict[str, None] = {}  # in the order asked for

    def __contains__(self, key: str) -> bool:
        self._known[key] = None  # who asks would read it: `finish` offers it to who mistyped it
        return key in self._values

    def holds_table(self, key: str) -> bool:
        """True when the value of `key` is a table, where it may be an array too."""
        return isinstance(self._values.get(key), dict)

    def problem(self, key: str, text: str) -> None:
        """Note a mistake at `key` of this table; "" is the table itself."""
        self._problems.append(Problem(self.path(key), text))

    def path(self, key: str) -> str:
        """The key's full path as the file's author would write it."""
        name = key if re.fullmatch(r"[\w-]+(\[\d+\])?|", key) else f'"{key}"'
        return ".".join(part for part in (self._path, name) if part)

    def text(
        self, key: str, default: str = "", *, required: bool = False, form: str = "", what: str = ""
    ) -> str:
        """A string that fits the regular expression `form`; `what` says that form in words."""
        value = self._take(key, str, None)
        if value is None:
            if required and key not in self._values:
                self.problem(key, "is missing")
            return default
        if form and not re.fullmatch(form, value):
            self.problem(key, f'"{value}" is not {what}')
            return default
        return value

    def choice(self, key: str, choices: tuple[str, ...], what: str) -> str:
        """One of `choices`, or "" after a mistake."""
        value = self.text(key, required=True)
        if value and value not in choices:
            self.problem(key, f'"{value}" is not {what}{nearest(value, choices, is_whole=True)}')
            return ""
        return value

    def option(self, key: str, choices: tuple[str, ...], what: str, default: str = "") -> str:
        """As `choice`, for a key that may be missing."""
        return (self.choice(key, choices, what) if key in self else "") or default

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """An integer from `low` to `high`."""
        value = self._take(key, int, default)
        if not low <= value <= high:
            self.problem(key, f"{value} is not between {low} and {high}")
            return default
        return value

    def number(self, key: str, *, low: float) -> float | None:
        """A number of at least `low`; None when it is not given."""
        value = self._take(key, float, None)
        if value is not None and value < low:
            self.problem(key, f"{value} is less than {low}")
            return None
        return value

    def boolean(self, key: str) -> bool | None:
        """A boolean; None when it is not given."""
        return self._take(key, bool, None)

    def texts(self, key: str, *, required: bool = False) -> list[tuple[str, str]]:
        """An array of strings as pairs of the key (`events[0]`) and the string."""
        found: list[tuple[str, str]] = []
        values = self._take(key, list, [])
        if required and self._values.get(key, []) == []:
            self.problem(key, "is missing" if key not in self else "is empty")
        for index, value in enumerate(values):
            if isinstance(value, str):
                found.append((f"{key}[{index}]", value))
            else:
                self.problem(f"{key}[{index}]", f"must be a string, not {_toml_name(value)}")
        return found

    def json(self, key: str) -> str:
        """A JSON object as text, written as such or as a TOML table; "" after a mistake."""
        self._known[key] = None
        value = self._values.get(key, "")
        if isinstance(value, dict):
            try:
                return json.dumps(value, separators=(",", ":"))
            except TypeError:
                self.problem(key, "holds a date or time, which JSON has not")
        elif not isinstance(value, str):
            self.problem(key, f"must be a table or a string of JSON, not {_toml_name(value)}")
        elif value:
            return value
        else:
            self.problem(key, "is empty" if key in self else "is missing")
        return ""

    def jsons(self, key: str) -> list[tuple[str, str]]:
        """An array of JSON objects, as pairs of the key (`filters[0]`) and the text of each."""
        values = {f"{key}[{n}]": each for n, each in enumerate(self._take(key, list, []))}
        elements = Table(values, self._path, self._problems)
        return [(name, text) for name in values if (text := elements.json(name))]

    def table(self, key: str) -> "Table":
        """The table under `key`, empty when there is none."""
        return Table(self._take(key, dict, {}), self.path(key), self._problems)

    def table_of_names(self, key: str) -> "Table":
        """The table under `key`, its keys names; an array of names is a table of empty tables."""
        if key not in self or self.holds_table(key):
            return self.table(key)
        return Table({name: {} for _, name in self.texts(key)}, self.path(key), self._problems)

    def tables(self, key: str) -> list["Table"]:
        """The array of tables under `key`."""
        if self.holds_table(key):
            self._known[key] = None
            self.problem(key, f"is an array of tables: write [[{self.path(key)}]]")
            return []
        found = []
        for index, value in enumerate(self._take(key, list, [])):
            if isinstance(value, dict):
                found.append(Table(value, f"{self.path(key)}[{index}]", self._problems))
            else:
                self.problem(f"{key}[{index}]", f"must be a table, not {_toml_name(value)}")
        return found

    def __iter__(self) -> Iterator[str]:
        """Every key, for a table whose keys are names of the user's own."""
        return iter(self._values)

    def tables_by_name(self) -> list[str]:
        """Every key, where each has to be a table; the others are noted and left out."""
        for key in self._values:
            self._take(key, dict, {})
        return [key for key, value in self._values.items() if isinstance(value, dict)]

    def finish(self) -> None:
        """Note the keys that mean nothing here."""
        for key in self._values:
            if key not in self._known:
                self.problem(key, f"unknown key{nearest(key, self._known, is_whole=True)}")

    def _take(self, key: str, kind: type[Kind], default: Default) -> Kind | Default:
        self._known[key] = None
        if key not in self._values:
            return default
        value = self._values[key]
        # In TOML true is no integer and 3 is a fine number, both unlike Python.
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits:
            self.problem(key, f"must be {_TOML_NAMES[kind]}, not {_toml_name(value)}")
            return default
        return cast(Kind, value)


def _toml_name(value: object) -> str:
    name = _TOML_NAMES.get(type(value), "a date or time")
    return f"{name} ({value!r})" if isinstance(value, int | float | str) else name
