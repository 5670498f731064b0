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


class Listeners:
    """Who hears of changes, on the thread that makes one and outside of locks.

    They subscribe before the first change; then any thread may tell.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._of_aliases: list[Callable[[str], None]] = []

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change of a version."""
        self._listeners.append(listener)

    def subscribe_aliases(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the ARN of every new alias."""
        self._of_aliases.append(listener)

    def tell(self, *changes: FunctionChange) -> None:
        """Tell what happened to versions, in this order."""
        for change in changes:
            for listener in self._listeners:
                listener(change)

    def tell_alias(self, arn: str) -> None:
        """Tell that an alias is there which was not."""
        for listener in self._of_aliases:
            listener(arn)


def created(new: FunctionVersion) -> FunctionChange:
    """A version that was not there before."""
    return FunctionChange(kind="created", new=new)


def replaced(old: FunctionVersion | None, new: FunctionVersion) -> FunctionChange:
    """`$LATEST` with other settings or other code; no `old` means that it is new."""
    return FunctionChange(kind="updated" if old else "created", old=old, new=new)


def deleted(old: FunctionVersion) -> FunctionChange:
    """A version that is gone."""
    return FunctionChange(kind="deleted", old=old)
