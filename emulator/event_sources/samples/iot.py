"""Samples of what IoT's topic rules select."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.event_sources.iot import event
from emulator.event_sources.samples import constants
from emulator.model.iot_functions import message

_SQL: Final = "SELECT *, topic(2) AS room FROM 'sensors/+/temperature'"


def rule(
    *,
    topic: str = "sensors/kitchen/temperature",
    payload: str = '{"celsius":21.5,"battery":87}',
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A message of a sensor, with the part of its topic that names the room."""
    published = message(topic, payload.encode(), account, int(constants.AT_S * 1000))
    selected = event(_SQL, published)
    assert selected is not None  # there is no condition
    found: dict[str, Any] = json.loads(selected)
    return found


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"rule": rule}
