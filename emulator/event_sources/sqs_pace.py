"""How many batches of one queue run side by side.

Source: spec/event-source-mappings.md section 3, sections on scaling of SQS and provisioned mode.
"""

from typing import Final

from emulator.model.mapping import EventSourceMapping

GROWTH_S: Final = 1.0  # between two steps while messages wait
_FIRST: Final = 5
_STEP: Final = 5  # 300 a minute
_MOST: Final = 1_250
_OF_A_POLLER: Final = 10  # batches that a provisioned poller runs side by side


class Pace:
    """The limit for one mapping; its poller's lock guards it."""

    def __init__(self, mapping: EventSourceMapping) -> None:
        self.update(mapping)

    def update(self, mapping: EventSourceMapping) -> None:
        """Begin with the options of `mapping`."""
        if mapping.minimum_pollers is not None and mapping.maximum_pollers is not None:
            self._most = _OF_A_POLLER * mapping.maximum_pollers
            self._first = _OF_A_POLLER * mapping.minimum_pollers
        else:
            self._most = mapping.maximum_concurrency or _MOST
            self._first = min(_FIRST, self._most)
        self.limit = self._first

    @property
    def can_grow(self) -> bool:
        """False at the most that the mapping may have."""
        return self.limit < self._most

    def grow(self) -> None:
        """More messages wait than what runs can take."""
        self.limit = min(self.limit + _STEP, self._most)

    def shrink(self, running: int) -> None:
        """Somebody had no room: run no more than what runs now beside the one refused."""
        self.limit = max(1, min(self.limit, running - 1))

    def rest(self) -> None:
        """The queue is empty."""
        self.limit = self._first
