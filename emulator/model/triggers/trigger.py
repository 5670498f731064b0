"""What all triggers have in common."""

from typing import Protocol


class Trigger(Protocol):
    """A frozen value that says which events of one source invoke a function."""

    @property
    def summary(self) -> str:
        """The trigger in a few words, for tables and log lines."""
