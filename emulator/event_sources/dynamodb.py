"""Streams of DynamoDB tables as sources of event source mappings."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from emulator.aws import StreamReader, StreamRecord, TableRecord
from emulator.event_sources import stream_events
from emulator.event_sources.filter_pattern import Filters
from emulator.event_sources.stream_delivery import Matcher
from emulator.event_sources.stream_pollers import StreamPollers
from emulator.model.mapping import EventSourceMapping


class DynamoDbPollers(StreamPollers):
    """Reads the streams of DynamoDB tables."""

    service = "dynamodb"

    @override
    def reader(self) -> StreamReader:
        """Reads this service's streams."""
        return self._around.moto.tables

    @override
    def render(
        self, record: StreamRecord, mapping: EventSourceMapping, shard_id: str
    ) -> Mapping[str, Any]:
        """One of the event's `Records`."""
        assert isinstance(record, TableRecord)
        return stream_events.dynamodb_record(record, stream_arn=mapping.source_arn)

    @override
    def matcher(self, mapping: EventSourceMapping) -> Matcher:
        """What a mapping's filters let through: DynamoDB's own JSON, so `{"N": "5"}` is text."""
        return Filters(mapping.filters, None).let_through
