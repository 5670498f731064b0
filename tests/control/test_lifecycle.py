import re

import pytest

from emulator.control import lifecycle
from emulator.control.lifecycle import (
    MEMBERS,
    TRANSITIONS,
    IllegalTransition,
    Phase,
    Signal,
    step,
)


def test_the_diagram_and_the_table_are_the_same() -> None:
    drawn = set()
    for line in (lifecycle.__doc__ or "").splitlines():
        for match in re.finditer(r"(?=\b([A-Z]+) --([A-Z]+)--> ([A-Z]+)\b)", line):
            drawn.add(match.groups())
    table = {
        (source.name, signal.name, target.name)
        for signal, (sources, target) in TRANSITIONS.items()
        for source in sources
    }
    assert drawn == table


def test_a_signal_out_of_turn_is_our_bug() -> None:
    with pytest.raises(IllegalTransition):
        step(Phase.CREATING, Signal.UPDATE)


def test_every_phase_can_be_shown() -> None:
    assert set(MEMBERS) == set(Phase)
