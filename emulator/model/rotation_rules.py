"""When Secrets Manager rotates a secret: the rules of RotateSecret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.model.cron import InvalidExpression
from emulator.model.schedule_expression import Rate, Timetable, rule_timetable

_MOST_DAYS: Final = 1000
_DAY_S: Final = 86_400
_SHORTEST_PERIOD_S: Final = 4 * 3600
_DURATION: Final = r"([1-9]|1\d|2[0-4])h"


class InvalidRotationRules(ValueError):
    """Rules that Secrets Manager refuses; the text is its reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RotationRules:
    """Rules that are valid; without days and expression only RotateSecret rotates."""

    automatically_after_days: int | None = None
    schedule_expression: str | None = None
    duration: str | None = None  # of the window: here rotation begins with it

    def document(self) -> dict[str, Any]:
        """The rules as DescribeSecret shows them."""
        members = {
            "AutomaticallyAfterDays": self.automatically_after_days,
            "Duration": self.duration,
            "ScheduleExpression": self.schedule_expression,
        }
        return {name: value for name, value in members.items() if value is not None}

    def timetable(self, start_s: float) -> Timetable | None:
        """When it is due, counted from `start_s`; None: never by itself."""
        if self.automatically_after_days is not None:
            return Rate(period_s=self.automatically_after_days * _DAY_S, start_s=start_s)
        if self.schedule_expression is not None:
            return rule_timetable(self.schedule_expression, start_s)
        return None


def parse_rotation_rules(document: Mapping[str, Any]) -> RotationRules:
    """Read the member RotationRules. Raises InvalidRotationRules."""
    rules = RotationRules(
        automatically_after_days=document.get("AutomaticallyAfterDays"),
        schedule_expression=document.get("ScheduleExpression"),
        duration=document.get("Duration"),
    )
    days = rules.automatically_after_days
    if days is not None and rules.schedule_expression is not None:
        raise InvalidRotationRules(
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression."
        )
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise InvalidRotationRules("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
    if rules.duration is not None and not re.fullmatch(_DURATION, rules.duration):
        raise InvalidRotationRules(f"The duration {rules.duration} isn't valid.")
    if rules.schedule_expression is not None:
        _check_expression(rules.schedule_expression)
    return rules


def _check_expression(expression: str) -> None:
    try:
        timetable = rule_timetable(expression, 0.0)
    except InvalidExpression as error:
        raise InvalidRotationRules(f"The schedule expression isn't valid: {error}") from None
    is_by_minutes = "minute" in expression or (
        expression.startswith("cron(") and not re.match(r"cron\(0\s", expression)
    )
    is_short = isinstance(timetable, Rate) and timetable.period_s < _SHORTEST_PERIOD_S
    if is_by_minutes or is_short:
        raise InvalidRotationRules(
            f"The schedule expression {expression} isn't valid: rotation begins on the hour, and at"
            " most every four hours."
        )
