"""The mappings that a project's triggers on streams and tables stand for."""

import threading
from functools import partial

from typing_extensions import override

from emulator.aws import Fact, StreamChangedFact
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model.resources import StreamResource
from emulator.model.triggers import Trigger
from emulator.model.triggers.streams import KinesisTrigger, TableTrigger


class KinesisTriggers(EventSource):
    """Maps streams to functions."""

    trigger = KinesisTrigger

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Map the stream to the function; makes the stream if need be."""
        assert isinstance(trigger, KinesisTrigger)
        self.around.moto.ensure([StreamResource(name=trigger.stream)])
        self.around.mappings.declare(trigger.mapping(function_arn))

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take the mapping away; the stream stays, with what is in it."""
        assert isinstance(trigger, KinesisTrigger)
        self.around.mappings.withdraw(trigger.mapping(function_arn).uuid)


class TableTriggers(EventSource):
    """Maps the newest stream of each table to its functions.

    Nobody can guess the keys of a table, so it is not made; the mapping comes when its stream does.
    Any thread may call. `_lock` guards what is bound.
    """

    trigger = TableTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lock = threading.Lock()
        self._bound: list[tuple[TableTrigger, str]] = []
        around.moto.subscribe(self._on_fact, StreamChangedFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Map the table's stream to the function, as soon as there is one."""
        assert isinstance(trigger, TableTrigger)
        with self._lock:
            self._bound.append((trigger, function_arn))
        found = partial(self._found, trigger, function_arn)
        self.around.moto.tables.when_streaming(trigger.table_arn, found)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take the mapping away."""
        assert isinstance(trigger, TableTrigger)
        with self._lock:
            self._bound.remove((trigger, function_arn))
        self.around.mappings.withdraw(trigger.mapping(function_arn, "").uuid)

    @override
    def reset(self) -> None:
        """Forget what is bound."""
        with self._lock:
            self._bound.clear()

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, StreamChangedFact)
        table_arn = fact.stream_arn.partition("/stream/")[0]
        with self._lock:
            bound = [each for each in self._bound if each[0].table_arn == table_arn]
        for trigger, function_arn in bound:
            self._declare(trigger, function_arn, fact.stream_arn)

    def _found(self, trigger: TableTrigger, function_arn: str, stream_arn: str | None) -> None:
        if stream_arn is not None:
            self._declare(trigger, function_arn, stream_arn)
            return
        self.around.reporter.event(
            "dynamodb.table_awaited",
            table=trigger.table,
            function=function_arn.rpartition(":")[2],
            hint=f"there is none yet: list it as [resources.tables.{trigger.table}],"
            " or create it with a stream",
        )

    def _declare(self, trigger: TableTrigger, function_arn: str, stream_arn: str) -> None:
        mapping = trigger.mapping(function_arn, stream_arn)
        with self._lock:
            if (trigger, function_arn) not in self._bound:
                return  # the table came when the trigger was gone
        before = self.around.mappings.find(mapping.uuid)
        if before is None or before.source_arn < stream_arn:  # the label is a time
            self.around.mappings.withdraw(mapping.uuid)
            self.around.mappings.declare(mapping)
