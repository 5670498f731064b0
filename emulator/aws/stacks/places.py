"""Where a template refers to a name."""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.aws.stacks.intrinsics import references


def places_of(name: str, value: Any, path: str = "") -> Iterator[str]:
    """Paths like `Resources.Hello.Properties.Role` at which `value` refers to `name`."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places_of(name, item, f"{path}[{index}]")
    elif isinstance(value, Mapping) and not _is_call(value):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key == "DependsOn" and name in ([item] if isinstance(item, str) else item):
                yield below
            yield from places_of(name, item, below)
    elif isinstance(value, Mapping) and name in references(value):
        yield path


def _is_call(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in value)
