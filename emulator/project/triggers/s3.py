"""Triggers with `source = "s3"`."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from emulator.model import nearest
from emulator.model.triggers.s3 import S3_EVENTS, S3Trigger
from emulator.project.table import Table

BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
BUCKET_FORM: Final = "a bucket's name: 3 to 63 lower-case letters, digits, - and ."


def read(table: Table) -> S3Trigger:
    """Read one trigger; mistakes are noted in the table."""
    return S3Trigger(
        bucket=table.text("bucket", required=True, form=BUCKET, what=BUCKET_FORM),
        events=_events(table),
        prefix=table.text("prefix"),
        suffix=table.text("suffix"),
    )


def note_overlaps(triggers: Sequence[tuple[Table, S3Trigger]]) -> None:
    """Note the triggers of all functions that S3 would refuse together."""
    for first, second in overlapping([trigger for _, trigger in triggers]):
        other = triggers[first][0].path("")
        text = (
            f"overlaps {other}: S3 refuses two configurations of a bucket that share an"
            " event type and have overlapping prefixes and suffixes"
        )
        triggers[second][0].problem("", text)


def _events(table: Table) -> tuple[str, ...]:
    events = table.texts("events", required=True)
    for key, event in events:
        if event not in S3_EVENTS:
            table.problem(key, f'"{event}" is no event of S3{nearest(event, S3_EVENTS)}')
    return tuple(event for _, event in events)


def overlapping(triggers: Sequence[S3Trigger]) -> list[tuple[int, int]]:
    """Positions of the pairs that S3 would refuse together on one bucket.

    Two configurations clash when they share an event type and both their prefixes and their
    suffixes overlap. Source: spec/events.md section 1.
    """
    return [
        (first, second)
        for first, second in combinations(range(len(triggers)), 2)
        if _overlap(triggers[first], triggers[second])
    ]


def _overlap(one: S3Trigger, other: S3Trigger) -> bool:
    return (
        one.bucket == other.bucket
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
        and any(_covers(a, b) or _covers(b, a) for a in one.events for b in other.events)
    )


def _covers(pattern: str, event: str) -> bool:
    return pattern == event or (pattern.endswith("*") and event.startswith(pattern[:-1]))
