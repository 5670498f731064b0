"""SQS as an event source, with a real queue and an invoker that runs nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.mappings import Mappings
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.sqs.sqs_lab import WAIT_S, deploy


@pytest.fixture(scope="module")
def manager(surroundings: Surroundings) -> Iterator[Mappings]:
    made = Mappings(surroundings)
    yield made
    made.stop(WAIT_S)


@pytest.fixture
def sqs(client: Any) -> Any:
    return client("sqs")


@pytest.fixture
def around(
    surroundings: Surroundings, manager: Mappings, invoker: FakeInvoker, aws: Aws, tmp_path: Path
) -> Iterator[Surroundings]:
    deploy(surroundings, tmp_path)
    yield surroundings
    surroundings.mappings.reset()
    surroundings.functions.reset()
    aws.clock.freeze(False)
    assert "sqs.failed" not in aws.terminal.getvalue()
