"""Samples of NATS messages."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.event_sources.nats.messages import event_of


def message(*, body: str = '{"id": 7}') -> Any:
    """A message's body; what else a function learns of it is in its client context."""
    return json.loads(event_of(body.encode()))


SAMPLES: Final[Mapping[str, Callable[..., Any]]] = {"message": message}
