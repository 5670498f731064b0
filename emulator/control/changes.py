"""What the rest of the emulator hears when a function changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from emulator.model import FunctionVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionChange:
    """What happened to one function version; `old` and `new` are None where it has none."""

    kind: Literal["created", "updated", "deleted"]
    old: FunctionVersion | None = None
    new: FunctionVersion | None = None


Listener = Callable[[FunctionChange], None]


def created(new: FunctionVersion) -> FunctionChange:
    """A version that was not there before."""
    return FunctionChange(kind="created", new=new)


def replaced(old: FunctionVersion | None, new: FunctionVersion) -> FunctionChange:
    """`$LATEST` with other settings or other code; no `old` means that it is new."""
    return FunctionChange(kind="updated" if old else "created", old=old, new=new)


def deleted(old: FunctionVersion) -> FunctionChange:
    """A version that is gone."""
    return FunctionChange(kind="deleted", old=old)
