"""CloudWatch Logs: from lines that a subscription filter matches to the function behind it."""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, LogEventsFact, LoggedEvent, LogSubscriptionFact, logs_may_invoke
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import Call, LambdaError
from emulator.model.triggers import Trigger
from emulator.model.triggers.logs import LogsTrigger

# Of the lines of one event: compressed and in base64 they fit into the payload of an event.
_EVENT_BYTES: Final = 700_000
_LINE_OVERHEAD_BYTES: Final = 120  # id, timestamp, names


class LogsEvents(EventSource):
    """Delivers what Logs tells. It keeps nothing: subscription filters live in moto.

    Any thread may call; functions are only queued.
    """

    trigger = LogsTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        around.moto.subscribe(self._on_fact, LogEventsFact, LogSubscriptionFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Put a subscription filter on the log group; makes the group if need be."""
        assert isinstance(trigger, LogsTrigger)
        groups = self.around.moto.log_groups
        groups.subscribe(trigger.log_group, trigger.pattern, function_arn)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take it away."""
        assert isinstance(trigger, LogsTrigger)
        groups = self.around.moto.log_groups
        groups.unsubscribe(trigger.log_group, trigger.pattern, function_arn)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, LogSubscriptionFact):
            self._deliver(fact, control_message(fact))
        elif isinstance(fact, LogEventsFact):
            for events in _batches(fact.events):
                self._deliver(fact, data_message(fact, events))

    def _deliver(self, fact: LogEventsFact | LogSubscriptionFact, message: dict[str, Any]) -> None:
        call = Call.to(
            fact.function_arn,
            json.dumps(event(message), separators=(",", ":")).encode(),
            source="logs",
            cause=fact.group,
        )
        where = fact.account, fact.region, fact.group
        try:
            if not logs_may_invoke(self.around.moto.permissions, fact.function_arn, *where):
                raise LambdaError("AccessDeniedException", "its policy does not allow it")
            self.around.invoker.accept(call)
        except LambdaError as error:  # AWS drops what it cannot deliver
            self.around.reporter.event(
                "logs.not_delivered", target=fact.function_arn, log_group=fact.group, reason=error
            )


def event(message: dict[str, Any]) -> dict[str, Any]:
    """What a function gets. Source: spec/events.md section 6."""
    document = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    data = gzip.compress(document.encode(errors="replace"), mtime=0)
    return {"awslogs": {"data": base64.b64encode(data).decode()}}


def data_message(fact: LogEventsFact, events: Sequence[LoggedEvent]) -> dict[str, Any]:
    """Lines of one stream, before they are compressed."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": fact.account,
        "logGroup": fact.group,
        "logStream": fact.stream,
        "subscriptionFilters": [fact.filter_name],
        "logEvents": [_log_event(each) for each in events],
    }


def control_message(fact: LogSubscriptionFact) -> dict[str, Any]:
    """What tests, as a filter is saved, whether the function can be reached."""
    text = "CWL CONTROL MESSAGE: Checking health of destination Lambda function."
    return {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{"id": "", "timestamp": fact.at_ms, "message": text}],
    }


def _log_event(logged: LoggedEvent) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": logged.id,
        "timestamp": logged.at_ms,
        "message": logged.message,
    }
    if logged.fields:
        document["extractedFields"] = dict(logged.fields)
    return document


def _batches(events: Sequence[LoggedEvent]) -> Iterator[list[LoggedEvent]]:
    batch: list[LoggedEvent] = []
    size = 0
    for each in events:
        cost = len(each.message.encode(errors="replace")) + _LINE_OVERHEAD_BYTES
        if batch and size + cost > _EVENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += cost
    if batch:
        yield batch
