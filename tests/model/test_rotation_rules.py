from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.model.rotation_rules import InvalidRotationRules, parse_rotation_rules

START_S = datetime(2026, 11, 22, 6, 30, tzinfo=UTC).timestamp()
DAY_S = 86_400


@pytest.mark.parametrize(
    ("rules", "due_s"),
    [
        ({"AutomaticallyAfterDays": 30}, START_S + 30 * DAY_S),
        ({"ScheduleExpression": "rate(4 hours)"}, START_S + 4 * 3600),
        ({"ScheduleExpression": "rate(1 day)", "Duration": "3h"}, START_S + DAY_S),
        (
            {"ScheduleExpression": "cron(0 8 1 * ? *)"},
            datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp(),
        ),
    ],
)
def test_rules_say_when_a_secret_is_due_and_are_shown_as_given(
    rules: dict[str, Any], due_s: float
) -> None:
    parsed = parse_rotation_rules(rules)
    timetable = parsed.timetable(START_S)
    assert timetable is not None
    assert timetable.next_after(START_S) == due_s
    assert parsed.document() == rules


def test_without_rules_a_secret_is_never_due() -> None:
    assert parse_rotation_rules({}).timetable(START_S) is None


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 0},
        {"AutomaticallyAfterDays": 1001},
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "rate(1 days)"},
        {"ScheduleExpression": "rate(300 minutes)"},
        {"ScheduleExpression": "cron(30 8 1 * ? *)"},
        {"ScheduleExpression": "cron(0 8 1 * 1 *)"},
        {"ScheduleExpression": "at(2026-11-22T06:30:00)"},
        {"Duration": "0h"},
        {"Duration": "3 hours"},
    ],
)
def test_rules_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(InvalidRotationRules):
        parse_rotation_rules(rules)
