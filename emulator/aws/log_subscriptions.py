"""Lines that come into log streams of moto, and the subscription filters they match."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from emulator.aws.buffer import FactBuffer
from emulator.aws.log_facts import LogEventsFact, LoggedEvent
from emulator.aws.permissions import InvokePermissions
from emulator.model.log_pattern import parse_log_pattern
from emulator.observe import Reporter
from emulator.observe.log_book import GroupKey

_TIME_SHIFT: Final = 144  # ids of AWS are milliseconds with so many bits behind them

_sequence: Final = itertools.count(1)


class LogSubscriptions:
    """Appends lines and tells who subscribes. Any thread that holds the lock of Logs may call."""

    def __init__(self, buffer: FactBuffer, reporter: Reporter) -> None:
        self._buffer = buffer
        self._reporter = reporter

    def append(self, stream: Any, lines: Sequence[Mapping[str, Any]], ingested_ms: int) -> None:
        """Add lines (`timestamp`, `message`) to a stream of moto's."""
        from moto.core.utils import utcfromtimestamp
        from moto.logs.models import LogEvent

        events = [LogEvent(ingested_ms, dict(line)) for line in lines]
        stream.events += events
        stream.last_ingestion_time = utcfromtimestamp(ingested_ms // 1000)
        stream.stored_bytes += sum(len(event.message) for event in events)
        for each in list(stream.log_group.subscription_filters.values()):
            self._tell(stream, each, events)

    def _tell(self, stream: Any, subscription: Any, events: Sequence[Any]) -> None:
        pattern = parse_log_pattern(subscription.filter_pattern or "")
        found = [(event, pattern.extract(event.message)) for event in events]
        matching = [
            LoggedEvent(
                id=event.event_id, at_ms=event.timestamp, message=event.message, fields=fields
            )
            for event, fields in found
            if fields is not None
        ]
        if not matching:
            return
        destination = subscription.destination_arn
        if destination.split(":")[2] != "lambda":
            self._send(stream, subscription, matching)
            return
        fact = LogEventsFact(
            function_arn=destination,
            account=stream.account_id,
            region=stream.region,
            group=stream.log_group.name,
            stream=stream.log_stream_name,
            filter_name=subscription.name,
            events=tuple(matching),
        )
        self._buffer.tell(fact)

    def _send(self, stream: Any, subscription: Any, events: Sequence[LoggedEvent]) -> None:
        """Kinesis, Firehose and other log groups are moto's."""
        lines = [
            {"id": event.id, "timestamp": event.at_ms, "message": event.message} for event in events
        ]
        arn = subscription.destination_arn
        try:
            stream._send_log_events(arn.split(":")[2], arn, subscription.name, lines)
        except Exception as error:  # noqa: BLE001  # moto raises anything; the writer goes on
            self._reporter.event("logs.not_delivered", target=arn, reason=error)


def next_event_id(at_ms: int) -> str:
    """An id of a log event: 56 digits that grow with its time."""
    return f"{(at_ms << _TIME_SHIFT) + next(_sequence):056d}"


def subscribed_groups() -> list[GroupKey]:
    """Every log group that has a subscription filter."""
    from moto.logs.models import logs_backends

    return [
        (group.account_id, group.region, group.name)
        for regions in list(logs_backends.values())
        for backend in list(regions.values())
        for group in list(backend.groups.values())
        if group.subscription_filters
    ]


def logs_may_invoke(
    permissions: InvokePermissions, function_arn: str, account: str, region: str, group: str
) -> bool:
    """Whether a log group may invoke a function; its policy may name either of two principals."""
    partition = function_arn.split(":")[1]
    source = f"arn:{partition}:logs:{region}:{account}:log-group:{group}:*"
    principals = "logs.amazonaws.com", f"logs.{region}.amazonaws.com"
    return any(permissions.allows(function_arn, each, source, account) for each in principals)
