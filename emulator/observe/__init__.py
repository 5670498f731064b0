"""Log lines, log streams, metrics, invocation records, and who is busy."""

from emulator.observe.activity import Activity
from emulator.observe.lines import screen_text
from emulator.observe.log_book import LogBook, LogEvent, LogStream
from emulator.observe.metrics import Metrics, MetricStatistics
from emulator.observe.records import KEPT_PAYLOAD_BYTES, InvocationRecord, Records
from emulator.observe.reporter import Reporter

__all__ = [
    "KEPT_PAYLOAD_BYTES",
    "Activity",
    "InvocationRecord",
    "LogBook",
    "LogEvent",
    "LogStream",
    "MetricStatistics",
    "Metrics",
    "Records",
    "Reporter",
    "screen_text",
]
