"""The console's application."""

import pytest

from tests.console.console_lab import Emulator


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()
