"""Kinesis streams as sources of event source mappings."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from emulator.aws import KinesisRecord, StreamReader, StreamRecord
from emulator.event_sources import stream_events
from emulator.event_sources.filter_pattern import Filters, kinesis_view
from emulator.event_sources.stream_delivery import Matcher
from emulator.event_sources.stream_poller import stream_arn_of
from emulator.event_sources.stream_pollers import StreamPollers
from emulator.model import LambdaError
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
        filters = Filters(mapping.filters, "data")
        return lambda document: filters.let_through(kinesis_view(document))

    def _role_of(self, mapping: EventSourceMapping) -> str:
        arguments = mapping.account, mapping.region, mapping.function_arn, None
        try:
            return self._around.functions.look_up(*arguments).version.role
        except LambdaError:
            return ""  # the function is gone, and will get no event either
