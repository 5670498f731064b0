"""What `emulator.toml` says about durable functions."""

from emulator.model import DurableConfig
from emulator.model.durable import (
    EXECUTION_TIMEOUT_MAXIMUM_S,
    EXECUTION_TIMEOUT_S,
    RETENTION_DAYS,
    RETENTION_MAXIMUM_DAYS,
)
from emulator.project.table import Table


def read_durable(function: Table) -> DurableConfig | None:
    """`[functions.NAME.durable]`, empty or not, makes a function durable; None: it is not."""
    if "durable" not in function:
        return None
    table = function.table("durable")
    config = DurableConfig(
        execution_timeout_s=table.integer(
            "execution_timeout_s", EXECUTION_TIMEOUT_S, low=1, high=EXECUTION_TIMEOUT_MAXIMUM_S
        ),
        retention_days=table.integer(
            "retention_days", RETENTION_DAYS, low=1, high=RETENTION_MAXIMUM_DAYS
        ),
    )
    table.finish()
    return config
