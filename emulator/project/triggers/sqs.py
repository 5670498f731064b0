"""Triggers with `source = "sqs"`."""

from emulator.control.mapping_options import check
from emulator.model import LambdaError
from emulator.model.triggers.sqs import SqsTrigger
from emulator.project.resources import QUEUE, QUEUE_FORM
from emulator.project.table import Table
from emulator.project.triggers.filters import read_filters


def read(table: Table) -> SqsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    concurrency = None
    if "maximum_concurrency" in table:
        concurrency = table.integer("maximum_concurrency", 2, low=2, high=1000)
    trigger = SqsTrigger(
        queue=table.text("queue", required=True, form=QUEUE, what=QUEUE_FORM),
        batch_size=table.integer("batch_size", 10, low=1, high=10_000),
        window_s=table.integer("window_s", 0, low=0, high=300),
        filters=read_filters(table),
        report_item_failures=bool(table.boolean("report_item_failures")),
        maximum_concurrency=concurrency,
    )
    try:
        check(trigger.mapping("function"))
    except LambdaError as error:
        table.problem("", error.message)
    return trigger
