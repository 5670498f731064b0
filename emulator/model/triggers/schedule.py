"""Times at which a function starts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "schedule"`."""

    expression: str  # rate(…), cron(…) or at(…)
    time_zone: str = "UTC"

    @property
    def summary(self) -> str:
        """`schedule://cron(0 3 * * ? *) Europe/Berlin`, for tables and log lines."""
        return f"schedule://{self.expression} {self.time_zone}"
