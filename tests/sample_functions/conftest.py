"""The emulator with this repository's own functions."""

from collections.abc import Iterator

import pytest

from tests.running_emulator import REPOSITORY, RunningEmulator, running_emulator


@pytest.fixture(scope="module")
def sample_emulator() -> Iterator[RunningEmulator]:
    with running_emulator(REPOSITORY, "--no-watch") as emulator:
        yield emulator


@pytest.fixture
def emulator(sample_emulator: RunningEmulator) -> RunningEmulator:
    sample_emulator.reset()
    return sample_emulator
