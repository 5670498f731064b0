"""Triggers with `source = "kinesis"` or `source = "dynamodb"`."""

from datetime import UTC, datetime
from typing import Final

from emulator.control.mapping_options import check
from emulator.model import LambdaError
from emulator.model.mapping import UNLIMITED, EventSourceMapping
from emulator.model.triggers.streams import (
    POSITIONS,
    KinesisTrigger,
    StreamOptions,
    TableTrigger,
)
from emulator.project.table import Table
from emulator.project.triggers.filters import read_filters

STREAM: Final = r"[a-zA-Z0-9_.-]{1,128}"
STREAM_FORM: Final = "a stream's name: up to 128 letters, digits, - _ or ."
TABLE: Final = r"[a-zA-Z0-9_.-]{3,255}"
TABLE_FORM: Final = "a table's name: 3 to 255 letters, digits, - _ or ."
_TARGET: Final = r"arn:aws:(sqs|sns|s3):\S+"
_TARGET_FORM: Final = "the ARN of a queue, a topic or a bucket"


def read_kinesis(table: Table) -> KinesisTrigger:
    """Read a trigger of a stream; mistakes are noted in the table."""
    stream = table.text("stream", required=True, form=STREAM, what=STREAM_FORM)
    trigger = KinesisTrigger(stream=stream, options=_options(table, has_timestamp=True))
    _check(table, trigger.mapping("function"))
    return trigger


def read_table(table: Table) -> TableTrigger:
    """Read a trigger of a table; mistakes are noted in the table."""
    name = table.text("table", required=True, form=TABLE, what=TABLE_FORM)
    trigger = TableTrigger(table=name, options=_options(table, has_timestamp=False))
    _check(table, trigger.mapping("function", f"{trigger.table_arn}/stream/label"))
    return trigger


def _options(table: Table, *, has_timestamp: bool) -> StreamOptions:
    position, starting_at = POSITIONS[0], None
    if "starting_position" in table:
        known = POSITIONS if has_timestamp else POSITIONS[:2]
        position = table.choice("starting_position", known, "a starting position") or position
    if position == "AT_TIMESTAMP":
        starting_at = _moment(table)
    return StreamOptions(
        batch_size=table.integer("batch_size", 100, low=1, high=10_000),
        window_s=table.integer("window_s", 0, low=0, high=300),
        filters=read_filters(table),
        report_item_failures=bool(table.boolean("report_item_failures")),
        starting_position=position,
        starting_at=starting_at,
        parallelization_factor=table.integer("parallelization_factor", 1, low=1, high=10),
        maximum_record_age_s=_age(table),
        maximum_retries=table.integer("maximum_retries", UNLIMITED, low=UNLIMITED, high=10_000),
        bisect_batch=bool(table.boolean("bisect_batch")),
        tumbling_window_s=table.integer("tumbling_window_s", 0, low=0, high=900),
        on_failure=table.text("on_failure", form=_TARGET, what=_TARGET_FORM) or None,
    )


def _age(table: Table) -> int:
    if "maximum_record_age_s" not in table:
        return UNLIMITED
    return table.integer("maximum_record_age_s", UNLIMITED, low=60, high=604_800)


def _moment(table: Table) -> float | None:
    """`starting_at`: a date and time in ISO 8601; one without a zone is UTC."""
    text = table.text("starting_at", required=True)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if text:
            table.problem("starting_at", f'"{text}" is no time like 2026-11-21T10:00:00Z')
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _check(table: Table, mapping: EventSourceMapping) -> None:
    try:
        check(mapping)
    except LambdaError as error:
        table.problem("", error.message)
