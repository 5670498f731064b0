"""Kinesis streams as sources of event source mappings."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from emulator.aws import KinesisRecord, StreamReader, StreamRecord
from emulator.event_sources import stream_events
from emulator.event_sources.stream_delivery import Matcher
from emulator.event_sources.stream_poller import stream_arn_of
from emulator.event_sources.stream_pollers import StreamPollers
from emulator.model import LambdaError
from emulator.model.event_pattern import matches, parse_pattern
from emulator.model.mapping import EventSourceMapping


class KinesisPollers(StreamPollers):
    """Reads the streams of Kinesis."""

    service = "kinesis"

    @override
    def reader(self) -> StreamReader:
        """Reads this service's streams."""
        return self._around.moto.streams

    @override
    def render(
        self, record: StreamRecord, mapping: EventSourceMapping, shard_id: str
    ) -> Mapping[str, Any]:
        """One of the event's `Records`."""
        assert isinstance(record, KinesisRecord)
        return stream_events.kinesis_record(
            record,
            stream_arn=stream_arn_of(mapping),
            shard_id=shard_id,
            role_arn=self._role_of(mapping),
        )

    @override
    def matcher(self, mapping: EventSourceMapping) -> Matcher:
        """What a mapping's filters let through."""
        patterns = [parse_pattern(text) for text in mapping.filters]
        if not patterns:
            return lambda document: True
        return lambda document: any(matches(pattern, filterable(document)) for pattern in patterns)

    def _role_of(self, mapping: EventSourceMapping) -> str:
        arguments = mapping.account, mapping.region, mapping.function_arn, None
        try:
            return self._around.functions.look_up(*arguments).version.role
        except LambdaError:
            return ""  # the function is gone, and will get no event either


def filterable(document: Mapping[str, Any]) -> dict[str, Any]:
    """A record as filter patterns see it: `data` decoded, parsed where it is a JSON document.

    A pattern for a string never fits a document, nor the other way round, so what does not have
    the form that a pattern asks for is skipped. Source: spec/event-source-mappings.md section 6.
    """
    content = document["kinesis"]
    text = base64.b64decode(content["data"]).decode(errors="replace")
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    data = parsed if isinstance(parsed, dict | list) else text
    return {**document, **content, "data": data}
