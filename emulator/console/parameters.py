"""Parameters of the console's requests, checked; a bad one is named in the answer."""

import json
import math
from collections.abc import Mapping
from typing import Any

from emulator.model.nearest import nearest


class BadParameterError(Exception):
    """A parameter the console cannot use; the text says which, and what it takes."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class Parameters:
    """Named values of one request: its query string, or the JSON object of its body.

    Raises BadParameterError for names that are not in `known`.
    """

    def __init__(self, values: Mapping[str, Any], *known: str) -> None:
        for name in values:
            if name not in known:
                raise BadParameterError(name, f'unknown parameter "{name}"{nearest(name, known)}')
        self._values = values

    @classmethod
    def of_body(cls, body: bytes, *known: str) -> "Parameters":
        """Read the JSON object in a request's body; an empty body has no parameters."""
        try:
            values = json.loads(body or b"{}")
        except ValueError as error:
            raise BadParameterError("body", f"the body is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise BadParameterError("body", "the body must be a JSON object")
        return cls(values, *known)

    def text(self, name: str) -> str | None:
        """A text, None when absent."""
        value = self._values.get(name)
        return None if value is None else str(value)

    def seconds(self, name: str, default: float) -> float:
        """A number of seconds, 0 or more."""
        value = self._values.get(name, default)
        try:
            seconds = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            raise self._bad(name, "a number of seconds, 0 or more")
        return seconds

    def count(self, name: str, default: int) -> int:
        """A whole number, 1 or more."""
        text = str(self._values.get(name, default))
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise self._bad(name, "a whole number, 1 or more")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """True or false, None when absent."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value not in ("true", "false"):
            raise self._bad(name, "true or false")
        return bool(value == "true")

    def _bad(self, name: str, wanted: str) -> BadParameterError:
        value = json.dumps(self._values[name])
        return BadParameterError(name, f'parameter "{name}" must be {wanted}, not {value}')
