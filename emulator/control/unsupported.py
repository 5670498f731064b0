"""Members of requests that AWS honours and this emulator cannot yet: refused, never ignored."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.control.violations import not_implemented


def _never(_: Any) -> bool:
    return False


UNSUPPORTED: Final[Mapping[str, Callable[[Any], bool]]] = {  # member: which values mean nothing
    "RuntimeConfig": _never,
}


def refuse_unsupported(operation: str, members: Mapping[str, Any]) -> None:
    """Raise NotImplemented, naming the first member of a request that we could only store."""
    for member, value in members.items():
        means_nothing = UNSUPPORTED.get(member)
        if means_nothing is not None and not means_nothing(value):
            raise not_implemented(
                f"{operation} with {member}={value!r}",
                f"Leave {member} out to use the function here.",
            )
