"""`[[functions.NAME.triggers]]`: a reader for each event source."""

from collections.abc import Callable, Mapping
from typing import Final

from emulator.model.triggers import Trigger
from emulator.project.table import Table
from emulator.project.triggers import events, http, logs, nats, s3, schedule, sns, sqs, streams

READERS: Final[Mapping[str, Callable[[Table], Trigger]]] = {  # by `source`
    "dynamodb": streams.read_table,
    "events": events.read,
    "http": http.read,
    "kinesis": streams.read_kinesis,
    "logs": logs.read,
    "s3": s3.read,
    "schedule": schedule.read,
    "sns": sns.read,
    "sqs": sqs.read,
    "nats": nats.read,
}
