"""Fixtures for tests that look at the emulator from outside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running_emulator import RunningEmulator, running_emulator


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., RunningEmulator]]:
    """Call it with a project's folder, and with options of `start`, as often as a test needs."""
    with ExitStack() as stack:

        def start(project: Path, *arguments: str) -> RunningEmulator:
            return stack.enter_context(running_emulator(project, *arguments))

        yield start
