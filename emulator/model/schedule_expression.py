"""`rate(…)`, `cron(…)` and `at(…)`: when a schedule is due next."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Protocol

from emulator.model.cron import Cron, InvalidExpression, parse_cron

__all__ = [
    "InvalidExpression",
    "Once",
    "Rate",
    "Timetable",
    "rule_timetable",
    "schedule_timetable",
    "time_zone",
]

_ROUNDING_S: Final = 1e-4
_UNITS_S: Final = {"minute": 60, "hour": 3600, "day": 86_400}


class Timetable(Protocol):
    """When something is due."""

    def next_after(self, after_s: float) -> float | None:
        """The first due time after `after_s`, both in seconds since the epoch; None: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Every so many seconds since `start_s`; at `start_s` itself only if `from_start`.

    A day is 24 hours, whatever the clocks do. Source: EventBridge Scheduler User Guide.
    """

    period_s: int
    start_s: float
    from_start: bool = False

    def next_after(self, after_s: float) -> float:
        """The first due time after `after_s`."""
        if after_s < self.start_s:
            return self.start_s + (0 if self.from_start else self.period_s)
        # Rounding must not repeat the time that has just been.
        passed = math.floor((after_s - self.start_s + _ROUNDING_S) / self.period_s)
        return self.start_s + (passed + 1) * self.period_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """One moment."""

    at_s: float

    def next_after(self, after_s: float) -> float | None:
        """That moment, if it is still to come."""
        return self.at_s if after_s < self.at_s else None


def rule_timetable(expression: str, start_s: float) -> Rate | Cron:
    """`rate(…)` or `cron(…)` of a rule, in UTC. Raises InvalidExpression.

    start_s: since when a rate counts; a rule is due for the first time one period later.
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression):
        count, unit, plural = int(rate[1]), rate[2], rate[3]
        if count == 0 or (count == 1) == bool(plural):
            raise InvalidExpression(f"{expression} is no rate")
        return Rate(period_s=count * _UNITS_S[unit], start_s=start_s)
    if cron := re.fullmatch(r"cron\((.+)\)", expression):
        return parse_cron(cron[1])
    raise InvalidExpression(f"{expression} is neither a rate nor a cron expression")


def schedule_timetable(expression: str, zone: tzinfo, start_s: float) -> Timetable:
    """`rate(…)`, `cron(…)` or `at(…)` of EventBridge Scheduler. Raises InvalidExpression.

    start_s: the start date of a rate, which is due at that moment for the first time.
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        if int(rate[1]) == 0:
            raise InvalidExpression(f"{expression} is no rate")
        period_s = int(rate[1]) * _UNITS_S[rate[2]]
        return Rate(period_s=period_s, start_s=start_s, from_start=True)
    if cron := re.fullmatch(r"cron\((.+)\)", expression):
        return parse_cron(cron[1], zone)
    if at := re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", expression):
        try:
            local = datetime.fromisoformat(at[1]).replace(tzinfo=zone)
            return Once(at_s=local.astimezone(UTC).timestamp())
        except (ValueError, OverflowError):  # the 31st of June, the year 0
            raise InvalidExpression(f"{expression} is no moment") from None
    raise InvalidExpression(f"{expression} is no schedule expression")


def time_zone(name: str) -> tzinfo:
    """A zone of the IANA database, "UTC" without it. Raises InvalidExpression."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # most schedules do without: it is slow to import

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder, `../x`, no such name
        raise InvalidExpression(f'"{name}" is no time zone') from None
