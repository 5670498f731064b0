"""What reads a queue or a stream for an event source mapping."""

from typing import Protocol

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
