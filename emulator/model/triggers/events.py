"""Events on a bus of EventBridge that start a function."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class EventsTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "events"`."""

    pattern: str  # JSON
    bus: str = "default"

    @property
    def summary(self) -> str:
        """`events://orders {"source":["shop"]}`, for tables and log lines."""
        return f"events://{self.bus} {self.pattern}"
