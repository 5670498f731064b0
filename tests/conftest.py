"""Fixtures for tests that look at the emulator from outside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docker_engine import DockerEngine, docker_engine
from tests.running_emulator import RunningEmulator, running_emulator


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., RunningEmulator]]:
    """Call it with a project's folder, and with options of `start`, as often as a test needs."""
    with ExitStack() as stack:

        def start(project: Path, *arguments: str) -> RunningEmulator:
            return stack.enter_context(running_emulator(project, *arguments))

        yield start


@pytest.fixture(scope="session", name="docker_engine")
def docker_engine_fixture() -> Iterator[DockerEngine]:
    with docker_engine() as engine:
        yield engine
