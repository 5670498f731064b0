"""When schedules are due: months, leap years, weekdays, and days of 23 and 25 hours."""

from datetime import UTC, datetime

import pytest

from emulator.model.schedule_expression import (
    InvalidExpression,
    rule_timetable,
    schedule_timetable,
    time_zone,
)

FORM = "%Y-%m-%dT%H:%M:%S"


def seconds(text: str) -> float:
    return datetime.strptime(text, FORM).replace(tzinfo=UTC).timestamp()


def times(expression: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    """The next `count` due times after one, in UTC."""
    timetable = schedule_timetable(expression, time_zone(zone), seconds(after))
    found, at_s = [], seconds(after)
    for _ in range(count):
        due_s = timetable.next_after(at_s)
        if due_s is None:
            break
        found.append(datetime.fromtimestamp(due_s, UTC).strftime(FORM))
        at_s = due_s
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-11-22T10:00:00", ["2026-11-23T10:00:00"]),
        ("cron(0 10 * * ? *)", "2026-11-22T09:59:59", ["2026-11-22T10:00:00"]),
        ("cron(15 12 * * ? *)", "2026-12-31T12:15:00", ["2027-01-01T12:15:00"]),
        (
            "cron(0/20 * * * ? *)",
            "2026-11-22T10:30:00",
            ["2026-11-22T10:40:00", "2026-11-22T11:00:00"],
        ),
        (
            "cron(5/25 8-9 * * ? *)",
            "2026-11-22T09:30:00",
            ["2026-11-22T09:55:00", "2026-11-23T08:05:00"],
        ),
        ("cron(10-30/10 0 1 1 ? *)", "2026-01-01T00:10:00", ["2026-01-01T00:20:00"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00", ["2026-11-23T18:00:00"]),
        (
            "cron(0 8 ? * 1,7 *)",  # Sunday and Saturday
            "2026-11-22T00:00:00",
            ["2026-11-22T08:00:00", "2026-11-28T08:00:00", "2026-11-29T08:00:00"],
        ),
        (
            "cron(0 8 ? * FRI-MON *)",
            "2026-11-23T08:00:00",
            ["2026-11-27T08:00:00", "2026-11-28T08:00:00"],
        ),
        ("cron(0 8 1 * ? *)", "2026-11-22T00:00:00", ["2026-12-01T08:00:00"]),
        # A day that few months have.
        (
            "cron(0 0 31 * ? *)",
            "2026-01-31T00:00:00",
            ["2026-03-31T00:00:00", "2026-05-31T00:00:00"],
        ),
        (
            "cron(0 0 29 2 ? *)",
            "2026-01-01T00:00:00",
            ["2028-02-29T00:00:00", "2032-02-29T00:00:00"],
        ),
        ("cron(0 0 29 FEB ? *)", "2096-03-01T00:00:00", ["2104-02-29T00:00:00"]),  # 2100 has none
        ("cron(0 0 30 2 ? *)", "2026-01-01T00:00:00", []),
        # The last day, the nearest weekday.
        (
            "cron(0 0 L * ? *)",
            "2026-01-31T00:00:00",
            ["2026-02-28T00:00:00", "2026-03-31T00:00:00"],
        ),
        ("cron(0 0 L 2 ? 2028)", "2026-01-01T00:00:00", ["2028-02-29T00:00:00"]),
        ("cron(0 0 LW 1 ? 2026)", "2026-01-01T00:00:00", ["2026-01-30T00:00:00"]),  # 31st: Saturday
        ("cron(0 0 1W 8 ? 2026)", "2026-07-01T00:00:00", ["2026-08-03T00:00:00"]),  # 1st: Saturday
        ("cron(0 0 15W 11 ? 2026)", "2026-11-01T00:00:00", ["2026-11-16T00:00:00"]),  # a Sunday
        ("cron(0 0 31W 5 ? 2026)", "2026-05-01T00:00:00", ["2026-05-29T00:00:00"]),  # a Sunday
        # Weeks of a month.
        ("cron(0 9 ? * 2#1 *)", "2026-11-22T00:00:00", ["2026-12-07T09:00:00"]),
        (
            "cron(0 9 ? * TUE#5 *)",
            "2026-11-22T00:00:00",
            ["2026-12-29T09:00:00", "2027-03-30T09:00:00"],
        ),
        (
            "cron(0 9 ? * 6L *)",
            "2026-11-22T00:00:00",
            ["2026-11-27T09:00:00", "2026-12-25T09:00:00"],
        ),
        ("cron(0 9 ? * L *)", "2026-11-22T00:00:00", ["2026-11-28T09:00:00"]),
        # Months and years.
        ("cron(0 0 1 JAN,JUL ? *)", "2026-02-01T00:00:00", ["2026-07-01T00:00:00"]),
        ("cron(0 0 1 */3 ? *)", "2026-02-01T00:00:00", ["2026-04-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2027-2028)", "2027-01-01T00:00:00", ["2028-01-01T00:00:00"]),
        ("cron(0 0 1 1 ? 2025)", "2026-01-01T00:00:00", []),
        # Once.
        ("at(2026-11-22T10:00:30)", "2026-11-22T10:00:00", ["2026-11-22T10:00:30"]),
        ("at(2026-11-22T10:00:30)", "2026-11-22T10:00:30", []),
    ],
)
def test_the_next_times_are_those_that_aws_fires(
    expression: str, after: str, expected: list[str]
) -> None:
    assert times(expression, after, max(len(expected), 1)) == expected


@pytest.mark.parametrize(
    ("expression", "after", "zone", "expected"),
    [
        (  # the same hour on the wall, another in UTC
            "cron(30 9 * * ? *)",
            "2026-03-07T12:00:00",
            "America/New_York",
            ["2026-03-07T14:30:00", "2026-03-08T13:30:00"],
        ),
        (  # 8 March has no 02:30
            "cron(30 2 * * ? *)",
            "2026-03-07T00:00:00",
            "America/New_York",
            ["2026-03-07T07:30:00", "2026-03-09T06:30:00"],
        ),
        (  # 1 November has 01:30 twice
            "cron(30 1 * * ? *)",
            "2026-11-01T00:00:00",
            "America/New_York",
            ["2026-11-01T05:30:00", "2026-11-02T06:30:00"],
        ),
        (  # nor is the second hour begun anew from within
            "cron(0/30 1-2 * * ? *)",
            "2026-11-01T05:10:00",
            "America/New_York",
            ["2026-11-01T05:30:00", "2026-11-01T07:00:00"],
        ),
        (  # midnight in Berlin, where the day has 25 hours
            "cron(0 0 * * ? *)",
            "2026-10-24T12:00:00",
            "Europe/Berlin",
            ["2026-10-24T22:00:00", "2026-10-25T23:00:00"],
        ),
        (
            "at(2026-07-01T12:00:00)",
            "2026-01-01T00:00:00",
            "Asia/Kolkata",
            ["2026-07-01T06:30:00"],
        ),
    ],
)
def test_a_time_zone_decides_what_the_clock_on_the_wall_shows(
    expression: str, after: str, zone: str, expected: list[str]
) -> None:
    assert times(expression, after, len(expected), zone) == expected


def test_a_day_of_a_rate_is_24_hours_whatever_the_clocks_do() -> None:
    found = times("rate(1 day)", "2026-03-07T12:00:00", 3, "America/New_York")
    assert found == ["2026-03-08T12:00:00", "2026-03-09T12:00:00", "2026-03-10T12:00:00"]


def test_a_rate_of_a_rule_begins_one_period_after_the_rule() -> None:
    rate = rule_timetable("rate(5 minutes)", 1000.0)
    assert [rate.next_after(at_s) for at_s in (999.0, 1000.0, 1299.9, 1300.0, 1300.1)] == [
        1300.0,
        1300.0,
        1300.0,
        1600.0,
        1600.0,
    ]


def test_a_time_that_is_only_just_to_come_is_not_skipped() -> None:
    rate = rule_timetable("rate(1 day)", 1000.0)
    assert rate.next_after(1000 + 86_400 - 0.01) == 1000 + 86_400
    due_s = 1_795_341_600.123456
    rate = rule_timetable("rate(7 minutes)", due_s)
    for number in range(1, 2000):  # nor is any repeated, whatever the digits
        due_s = rate.next_after(due_s) or 0.0
        assert due_s == pytest.approx(1_795_341_600.123456 + 420 * number, abs=1e-3)


def test_a_rate_of_a_schedule_begins_with_its_start() -> None:
    rate = schedule_timetable("rate(1 hours)", UTC, 1000.0)
    assert [rate.next_after(at_s) for at_s in (0.0, 999.0, 1000.0, 4599.0)] == [
        1000.0,
        1000.0,
        4600.0,
        4600.0,
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(0 minutes)",
        "rate(1 second)",
        "rate(1.5 hours)",
        "rate(5 minutes) ",
        "at(2026-01-01T00:00:00)",
        "cron(0 10 * * *)",
        "cron(0 10 * * ? * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 32 * ? *)",
        "cron(0 10 0 * ? *)",
        "cron(0 10 1 13 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * 0 *)",
        "cron(0 10 ? * MON/2 *)",
        "cron(0 10 ? * 2#6 *)",
        "cron(0 10 * * ? 1969)",
        "cron(0 10 * * ? 2200)",
        "cron(0/0 10 * * ? *)",
        "cron(0 10 XW * ? *)",
        "cron(0,, 10 * * ? *)",
        "cron(a 10 * * ? *)",
        "cron()",
        "every minute",
        "",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        rule_timetable(expression, 0.0)


@pytest.mark.parametrize(
    "moment", ["2026-02-30T00:00:00", "2026-13-01T00:00:00", "0000-01-01T00:00:00"]
)
def test_a_moment_that_is_on_no_calendar_is_refused(moment: str) -> None:
    with pytest.raises(InvalidExpression):
        schedule_timetable(f"at({moment})", UTC, 0.0)


@pytest.mark.parametrize("name", ["Europe", "Mars/Olympus", "../etc/passwd", ""])
def test_a_time_zone_that_nobody_has_is_refused(name: str) -> None:
    with pytest.raises(InvalidExpression, match="no time zone"):
        time_zone(name)
