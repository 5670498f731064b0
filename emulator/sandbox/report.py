"""How the sandbox tells the user of something."""

from typing import Protocol


class Report(Protocol):
    """Tells the user of something once (`observe.Reporter.event`)."""

    def __call__(self, name: str, **fields: object) -> None:
        """Report an event."""
