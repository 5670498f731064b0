"""Processes that wait for the function they are to run, in real environments."""

import os
import signal

import pytest

from emulator.sandbox import Environments, Launcher
from emulator.sandbox.standby import Standby, _Waiting
from tests.end_to_end.processes import wait_until
from tests.sandbox.conftest import MakeFunction, Run

HANDLER = "exports.handler = async () => 'fine'"
ENOUGH = 2  # that wait


@pytest.fixture
def standby(environments: Environments) -> Standby:
    launcher = environments._backend
    assert isinstance(launcher, Launcher)
    return launcher._standbys["nodejs"]


def kill(waiting: _Waiting) -> None:
    process = waiting.process
    wait_until(lambda: process.poll() is not None or process.pid is not None)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not waiting.is_alive)
    assert not waiting.is_alive


def test_one_that_was_killed_while_it_waited_is_not_used(
    function: MakeFunction, run: Run, standby: Standby
) -> None:
    settings = {"file": "app.js", "runtime": "nodejs22.x"}
    run(function(HANDLER, **settings))
    wait_until(lambda: len(standby._waiting) == ENOUGH, timeout_s=20)
    for waiting in list(standby._waiting):
        kill(waiting)
    result = run(function(HANDLER, **settings))
    assert result.payload == b'"fine"'
    assert b"INIT_REPORT" not in result.log.text
