"""A JetStream message between its delivery and its end."""

from dataclasses import dataclass
from typing import Final

from emulator.event_sources.alarms import Alarm
from emulator.event_sources.nats.messages import NatsMessage

_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 60.0


@dataclass(kw_only=True, slots=True, eq=False)
class Held:
    """It runs, or it failed and waits for its alarm."""

    message: NatsMessage
    ack_subject: str  # of its newest delivery
    alarm: Alarm | None = None

    @property
    def sequence(self) -> int:
        """Its number in the stream."""
        assert self.message.sequence is not None
        return self.message.sequence


def retry_delay_s(deliveries: int) -> float:
    """Seconds until a message that failed `deliveries` times is delivered again: 1, 2, 4, … 60."""
    return min(_FIRST_DELAY_S * 2.0 ** min(deliveries - 1, 10), _LONGEST_DELAY_S)
