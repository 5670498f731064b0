"""What the pollers of one kind of stream share: threads, positions, ears for facts."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, RecordsAppendedFact, StreamChangedFact, StreamReader, StreamRecord
from emulator.control import MappingChange
from emulator.event_sources.destinations import DestinationSender
from emulator.event_sources.poller import Pollers
from emulator.event_sources.source import Surroundings
from emulator.event_sources.stream_delivery import Matcher, StreamWork
from emulator.event_sources.stream_poller import StreamPoller
from emulator.event_sources.stream_positions import Positions
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model.mapping import EventSourceMapping

_STOP_S: Final = 1.0


class StreamPollers(Pollers, ABC):
    """Makes the pollers of one service; a subclass says how its records look.

    Any thread may call. `_lock` guards the table of pollers.
    """

    service: str

    @override
    def __init__(self, around: Surroundings) -> None:
        """Subscribe to facts of streams; nothing is loaded for it."""
        self._around = around
        self._positions = Positions(around.documents, self.service)
        self._threads = RunnerThreads(f"{self.service}-reader")
        self._lock = threading.Lock()
        self._pollers: dict[str, StreamPoller] = {}  # by the UUID of the mapping, stopped ones too
        self._by_stream: dict[str, list[StreamPoller]] = {}
        self._work = StreamWork(
            around=around,
            reader=self.reader(),
            threads=self._threads,
            destinations=DestinationSender(around.moto, around.invoker.accept, around.clock),
            render=self.render,
            matcher=self.matcher,
        )
        around.moto.subscribe(self._on_fact, RecordsAppendedFact, StreamChangedFact)
        around.mappings.subscribe(self._on_change)

    @abstractmethod
    def reader(self) -> StreamReader:
        """Reads this service's streams."""

    @abstractmethod
    def render(
        self, record: StreamRecord, mapping: EventSourceMapping, shard_id: str
    ) -> Mapping[str, Any]:
        """One of the event's `Records`."""

    @abstractmethod
    def matcher(self, mapping: EventSourceMapping) -> Matcher:
        """What a mapping's filters let through."""

    @override
    def start(self, mapping: EventSourceMapping) -> StreamPoller:
        """Begin to read for an enabled mapping."""
        with self._lock:
            before = self._pollers.get(mapping.uuid)
            positions = self._positions.of(mapping.uuid)
            poller = StreamPoller(self._work, mapping, positions, before)
            self._pollers[mapping.uuid] = poller
            self._by_stream = self._listed()
        poller.begin()
        return poller

    @override
    def reset(self) -> None:
        """Forget all positions."""
        self._positions.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """End the threads; wait up to `grace_s` for what they run."""
        self._threads.stop(max(grace_s, _STOP_S))

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, RecordsAppendedFact):
            for poller in self._by_stream.get(fact.stream_arn, ()):
                poller.wake(fact.shard_id)
        elif isinstance(fact, StreamChangedFact):
            for poller in self._by_stream.get(fact.stream_arn, ()):
                poller.look_later()

    def _on_change(self, change: MappingChange) -> None:
        if change.old is not None and change.new is None:
            uuid = change.old.uuid
            with self._lock:
                if self._around.mappings.find(uuid) is not None:
                    return  # it was made again meanwhile
                self._pollers.pop(uuid, None)
                self._by_stream = self._listed()
            self._positions.forget(uuid)

    def _listed(self) -> dict[str, list[StreamPoller]]:
        """Another table each time: facts look into it without the lock."""
        table: dict[str, list[StreamPoller]] = {}
        for poller in self._pollers.values():
            table.setdefault(poller.stream_arn, []).append(poller)
        return table
