"""JSON in mapping templates: values with the methods that Velocity's Java objects have."""

import json
from typing import Any

from typing_extensions import override


class JsonObject(dict[str, Any]):
    """An object; prints as JSON."""

    @override
    def __str__(self) -> str:
        return to_json(self)

    def keySet(self) -> "JsonArray":  # noqa: D102  # Java's names, here and below
        return JsonArray(self)

    def entrySet(self) -> "JsonArray":  # noqa: D102
        return JsonArray(JsonObject(key=key, value=value) for key, value in self.items())

    def size(self) -> int:  # noqa: D102
        return len(self)

    def isEmpty(self) -> "JsonBoolean":  # noqa: D102
        return JsonBoolean(not self)

    def containsKey(self, key: str) -> "JsonBoolean":  # noqa: D102
        return JsonBoolean(key in self)

    def put(self, key: str, value: Any) -> Any:  # noqa: D102
        former = dict.get(self, key)
        self[key] = value
        return "" if former is None else former


class JsonArray(list[Any]):
    """An array; prints as JSON."""

    @override
    def __str__(self) -> str:
        return to_json(self)

    def size(self) -> int:  # noqa: D102
        return len(self)

    def get(self, index: int) -> Any:  # noqa: D102
        return self[index]

    def isEmpty(self) -> "JsonBoolean":  # noqa: D102
        return JsonBoolean(not self)

    def contains(self, value: Any) -> "JsonBoolean":  # noqa: D102
        return JsonBoolean(value in self)

    def add(self, value: Any) -> "JsonBoolean":  # noqa: D102
        self.append(value)
        return JsonBoolean(True)


class JsonBoolean(int):
    """A truth value; prints as JSON."""

    @override
    def __str__(self) -> str:
        return "true" if self else "false"


def wrap(value: Any) -> Any:
    """The value as templates see it."""
    if isinstance(value, bool):
        return JsonBoolean(value)
    if isinstance(value, dict):
        return JsonObject({str(key): wrap(member) for key, member in value.items()})
    if isinstance(value, list | tuple):
        return JsonArray(wrap(member) for member in value)
    return value


def to_json(value: Any) -> str:
    """JSON text of a value, wrapped or not."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, JsonBoolean):
        return bool(value)
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value
