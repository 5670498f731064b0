"""A NATS server for the tests of a module."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest

from emulator.event_sources import Alarms, Surroundings
from emulator.model import Clock
from emulator.observe import Activity, Reporter
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.nats.nats_lab import Lab, started
from tests.nats_server import (
    NatsClient,
    NatsServer,
    running_nats,
)


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, NatsClient]]:
    with running_nats(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def output() -> StringIO:
    return StringIO()


@pytest.fixture
def around(surroundings: Surroundings, output: StringIO) -> Iterator[Surroundings]:
    clock = Clock()
    reporter = Reporter(output, "text")
    alarms = Alarms(clock, reporter)
    activity = Activity(clock)
    yield replace(surroundings, clock=clock, alarms=alarms, reporter=reporter, activity=activity)
    alarms.stop()
    reporter.stop()
    assert activity.pending() == {}
    assert "traceback" not in output.getvalue(), output.getvalue()


@pytest.fixture
def lab(
    nats: tuple[NatsServer, NatsClient], around: Surroundings, invoker: FakeInvoker
) -> Iterator[Lab]:
    with started(nats, replace(around, nats_url=nats[0].url)) as lab:
        yield lab
