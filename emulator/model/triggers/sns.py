"""Messages of a topic that start a function."""

from dataclasses import dataclass
from typing import Final

FILTER_SCOPES: Final = ("MessageAttributes", "MessageBody")


@dataclass(frozen=True, kw_only=True, slots=True)
class SnsTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "sns"`."""

    topic: str
    filter_policy: str | None = None  # JSON
    filter_scope: str = FILTER_SCOPES[0]

    @property
    def summary(self) -> str:
        """`sns://commits {"event":["push"]}`, for tables and log lines."""
        return f"sns://{self.topic} {self.filter_policy or ''}".rstrip()
