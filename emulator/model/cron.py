"""`cron(…)` as EventBridge has it: six fields, and the next time they name."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_LAST_YEAR: Final = 2199
_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # 1 to 7


class InvalidExpression(ValueError):
    """A schedule expression that EventBridge refuses."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What one field may hold."""

    low: int
    high: int
    names: tuple[str, ...] = ()  # of `low` and those that follow
    may_step: bool = True

    def values(self, text: str) -> frozenset[int]:
        """Numbers that `1,5-9,*/10` stands for. Raises InvalidExpression."""
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def number(self, text: str) -> int:
        """One value, by number or by name. Raises InvalidExpression."""
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if not re.fullmatch(r"\d{1,4}", text) or not self.low <= int(text) <= self.high:
            raise InvalidExpression(f"{text} is not between {self.low} and {self.high}")
        return int(text)

    def _part(self, text: str) -> Iterator[int]:
        span, slash, step = text.partition("/")
        if slash and (not self.may_step or not re.fullmatch(r"[1-9]\d*", step)):
            raise InvalidExpression(f"{text} is no step")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = self.low, self.high
        elif dash:
            low, high = self.number(first), self.number(last)
        else:
            low = self.number(first)
            high = self.high if slash else low
        if low > high:  # FRI-MON, 22-2
            high += self.high - self.low + 1
        for value in range(low, high + 1, int(step or 1)):
            yield value if value <= self.high else value - (self.high - self.low + 1)


_MINUTE: Final = _Field(0, 59)
_HOUR: Final = _Field(0, 23)
_DAY_OF_MONTH: Final = _Field(1, 31)
_MONTH: Final = _Field(1, 12, _MONTHS)
_DAY_OF_WEEK: Final = _Field(1, 7, _DAYS, may_step=False)
_YEAR: Final = _Field(1970, _LAST_YEAR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """Minutes that six fields name, on the calendar of a time zone.

    Where the clocks go forward, a time that does not exist is skipped; where they go back, a time
    that comes twice is taken once, the first. Source: EventBridge Scheduler User Guide.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days_of_month: str  # "?" when the days of the week decide
    months: tuple[int, ...]
    days_of_week: str
    years: frozenset[int]
    zone: tzinfo = UTC

    def next_after(self, after_s: float) -> float | None:
        """Seconds since the epoch of the first minute after `after_s`; None: there is none."""
        start = datetime.fromtimestamp(after_s, self.zone).replace(tzinfo=None)
        for day in self._days(start):
            for time in self._times(day, start):
                local = time.replace(tzinfo=self.zone)
                moment = local.astimezone(UTC)
                exists = moment.astimezone(self.zone).replace(tzinfo=None) == time
                if exists and moment.timestamp() > after_s:
                    return moment.timestamp()
        return None

    def _times(self, day: datetime, start: datetime) -> Iterator[datetime]:
        floor = start.replace(second=0, microsecond=0)
        for hour in self.hours:
            if day.date() == floor.date() and hour < floor.hour:
                continue
            for minute in self.minutes:
                time = day.replace(hour=hour, minute=minute)
                if time >= floor:
                    yield time

    def _days(self, start: datetime) -> Iterator[datetime]:
        first = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for year in range(first.year, _LAST_YEAR + 1):
            if year not in self.years:
                continue
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in sorted(self._days_in(year, month)):
                    date = datetime(year, month, day)  # the zone comes later
                    if date >= first:
                        yield date

    def _days_in(self, year: int, month: int) -> set[int]:
        last = calendar.monthrange(year, month)[1]
        if self.days_of_week == "?":
            days = {
                day
                for part in self.days_of_month.split(",")
                for day in _month_days(part, year, month, last)
            }
        else:
            days = {
                day
                for part in self.days_of_week.split(",")
                for day in _week_days(part, year, month, last)
            }
        return {day for day in days if 1 <= day <= last}


def parse_cron(fields: str, zone: tzinfo = UTC) -> Cron:
    """Read what stands in the brackets of `cron(…)`. Raises InvalidExpression."""
    minute, hour, day_of_month, month, day_of_week, year = _six(fields)
    if (day_of_month == "?") == (day_of_week == "?"):
        raise InvalidExpression("either day-of-month or day-of-week must be ?")
    cron = Cron(
        minutes=tuple(sorted(_MINUTE.values(minute))),
        hours=tuple(sorted(_HOUR.values(hour))),
        days_of_month=day_of_month.upper(),
        months=tuple(sorted(_MONTH.values(month))),
        days_of_week=day_of_week.upper(),
        years=_YEAR.values(year),
        zone=zone,
    )
    cron._days_in(2024, 1)  # raises for what no month understands
    return cron


def _six(fields: str) -> list[str]:
    found = fields.split()
    if len(found) != 6:
        raise InvalidExpression(f"six fields are wanted, not {len(found)}")
    return found


def _month_days(part: str, year: int, month: int, last: int) -> Iterator[int]:
    if part == "L":
        yield last
    elif part == "LW":
        yield _nearest_weekday(year, month, last, last)
    elif part.endswith("W"):
        day = _DAY_OF_MONTH.number(part[:-1])
        if day <= last:
            yield _nearest_weekday(year, month, day, last)
    else:
        yield from _DAY_OF_MONTH.values(part)


def _week_days(part: str, year: int, month: int, last: int) -> Iterator[int]:
    name, hash_sign, number = part.partition("#")
    if hash_sign:  # TUE#2: the second Tuesday
        if not re.fullmatch("[1-5]", number):
            raise InvalidExpression(f"{part} names no week of a month")
        yield _first(_DAY_OF_WEEK.number(name), year, month) + 7 * (int(number) - 1)
    elif part == "L":
        yield from range(_first(7, year, month), last + 1, 7)
    elif part.endswith("L"):  # 6L: the last Friday
        yield max(range(_first(_DAY_OF_WEEK.number(part[:-1]), year, month), last + 1, 7))
    else:
        for day_of_week in _DAY_OF_WEEK.values(part):
            yield from range(_first(day_of_week, year, month), last + 1, 7)


def _first(day_of_week: int, year: int, month: int) -> int:
    """Day of the month's first Sunday (1) … Saturday (7)."""
    begins_on = (calendar.weekday(year, month, 1) + 1) % 7 + 1
    return 1 + (day_of_week - begins_on) % 7


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    """Monday to Friday nearest to a day, in the same month."""
    weekday = (datetime(year, month, 1) + timedelta(days=day - 1)).weekday()
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day
