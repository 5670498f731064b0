"""EventBridge, with an invoker that runs nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.events import BusEvents
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, settle


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[BusEvents]:
    made = BusEvents(surroundings)
    yield made
    made.stop(1)


@pytest.fixture
def events(
    aws: Aws, client: Client, source: BusEvents, invoker: FakeInvoker, surroundings: Surroundings
) -> Iterator[Any]:
    source.reset()
    aws.clock.freeze(True)
    yield client("events")
    source.reset()
    settle(surroundings)
    aws.clock.freeze(False)


@pytest.fixture
def reported(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What is told on the terminal: names and fields."""
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(aws.reporter, "event", lambda name, **more: told.append((name, more)))
    return told
