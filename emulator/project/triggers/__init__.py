"""`[[functions.NAME.triggers]]`: a reader for each event source, imported when a file has one."""

import importlib
from collections.abc import Callable, Mapping
from typing import Final

from emulator.model.triggers import Trigger
from emulator.project.table import Table

SOURCES: Final[Mapping[str, tuple[str, str]]] = {  # by `source`: module, function
    "dynamodb": ("streams", "read_table"),
    "events": ("events", "read"),
    "http": ("http", "read"),
    "kinesis": ("streams", "read_kinesis"),
    "logs": ("logs", "read"),
    "s3": ("s3", "read"),
    "schedule": ("schedule", "read"),
    "sns": ("sns", "read"),
    "sqs": ("sqs", "read"),
    "nats": ("nats", "read"),
}


def reader(source: str) -> Callable[[Table], Trigger] | None:
    """What reads triggers of a source; None: there is no such source."""
    if source not in SOURCES:
        return None
    module, name = SOURCES[source]
    found: Callable[[Table], Trigger] = getattr(
        importlib.import_module(f"emulator.project.triggers.{module}"), name
    )
    return found
