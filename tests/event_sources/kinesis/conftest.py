"""Kinesis as an event source, with a real stream and an invoker that runs nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.mappings import Mappings
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.stream_lab import STREAM, StreamLab


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[Mappings]:
    made = Mappings(surroundings)
    surroundings.clock.freeze(True)
    yield made
    surroundings.clock.freeze(False)
    made.stop(5)


@pytest.fixture
def lab(
    aws: Aws, surroundings: Surroundings, invoker: FakeInvoker, source: Mappings
) -> Iterator[StreamLab]:
    yield StreamLab(surroundings, invoker, STREAM)
    surroundings.mappings.reset()
    source.reset()


@pytest.fixture
def kinesis(client: Client, lab: StreamLab) -> Any:
    made = client("kinesis")
    made.create_stream(StreamName="s", ShardCount=1)
    return made
