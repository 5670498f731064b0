"""What reads a queue or a stream for an event source mapping."""

from typing import Protocol

from emulator.event_sources.source import Surroundings
from emulator.model.mapping import EventSourceMapping


class Poller(Protocol):
    """Reads for one enabled mapping, from when it is made until `stop`.

    It sleeps until a fact wakes it or the next due time comes. What it has read and may hand to
    the function now is an activity "records", so that `settle` waits for it.
    """

    def update(self, mapping: EventSourceMapping) -> None:
        """Go on with other options; a batch that runs ends with those it began with."""

    def stop(self, grace_s: float) -> None:
        """Begin no further batch; wait up to `grace_s` for those that run."""

    @property
    def last_result(self) -> str | None:
        """`LastProcessingResult` as the API shows it; None: it has processed nothing."""


class Pollers(Protocol):
    """Makes the pollers of one service, and owns what they share: threads, and ears for facts.

    `Mappings` makes one of each class in its table, and stops it after the pollers it made.
    """

    def __init__(self, around: Surroundings) -> None:
        """Subscribe to the facts of the service; nothing is loaded for it."""

    def start(self, mapping: EventSourceMapping) -> Poller:
        """Begin to read for an enabled mapping; returns at once, also when its source is missing.

        What is missing shows in `last_result`, until a fact tells that it is there.
        """

    def reset(self) -> None:
        """Forget what was kept for mappings that are gone: positions, and the like."""

    def stop(self, grace_s: float) -> None:
        """End the threads; wait up to `grace_s` for what they run."""
