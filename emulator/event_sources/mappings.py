"""Event source mappings at work: a poller for each that is enabled."""

import threading
import time
from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from emulator.control import MappingChange
from emulator.event_sources.dynamodb import DynamoDbPollers
from emulator.event_sources.kinesis import KinesisPollers
from emulator.event_sources.poller import Poller, Pollers
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.sqs import SqsPollers

POLLERS: Final[Mapping[str, type[Pollers]]] = {  # by the service in the source's ARN
    "dynamodb": DynamoDbPollers,
    "kinesis": KinesisPollers,
    "sqs": SqsPollers,
}


class Mappings(EventSource):
    """Starts, updates and stops pollers as the mappings change.

    Any thread may call. `_lock` guards the tables, and is held while a poller is told to begin, to
    change or to begin nothing more, none of which waits for anything.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lock = threading.Lock()
        self._is_stopping = False
        self._makers = {service: make(around) for service, make in POLLERS.items()}
        self._pollers: dict[str, Poller] = {}  # by the UUID of the mapping
        self._results: dict[str, str] = {}  # of mappings that nobody reads for now
        around.mappings.ask_for_results(self.last_result)
        around.mappings.subscribe(self._on_change)
        for mapping in around.mappings.all():  # kept from an earlier run
            self._adjust(mapping.uuid)

    def last_result(self, uuid: str) -> str | None:
        """`LastProcessingResult` of a mapping; None: nothing was processed for it."""
        poller = self._pollers.get(uuid)
        return (poller.last_result if poller else None) or self._results.get(uuid)

    @override
    def reset(self) -> None:
        """Forget what pollers kept; the mappings are gone, and so are they."""
        for maker in self._makers.values():
            maker.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """Stop all pollers side by side, then what they share."""
        deadline = time.monotonic() + grace_s
        with self._lock:
            self._is_stopping = True
            pollers = list(self._pollers.values())
            self._pollers.clear()
        for poller in pollers:
            poller.stop(0.0)
        for poller in pollers:
            poller.stop(max(deadline - time.monotonic(), 0.0))
        for maker in self._makers.values():
            maker.stop(max(deadline - time.monotonic(), 0.0))

    def _on_change(self, change: MappingChange) -> None:
        mapping = change.new or change.old
        assert mapping is not None
        self._adjust(mapping.uuid)

    def _adjust(self, uuid: str) -> None:
        """Do for a mapping what it wants now: of two changes, the later one may be told first."""
        with self._lock:
            mapping = self.around.mappings.find(uuid)
            poller = self._pollers.get(uuid)
            if mapping is None or not mapping.is_enabled:
                if poller:
                    self._pollers.pop(uuid).stop(0.0)
                    self._results[uuid] = poller.last_result or ""
                if mapping is None:
                    self._results.pop(uuid, None)
            elif poller:
                poller.update(mapping)
            elif mapping.service in self._makers and not self._is_stopping:
                self._pollers[uuid] = self._makers[mapping.service].start(mapping)
