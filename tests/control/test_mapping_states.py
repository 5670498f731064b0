import re

import pytest

from emulator.control import mapping_states
from emulator.control.mapping_states import (
    TRANSITIONS,
    IllegalTransition,
    MappingState,
    Signal,
    step,
)


def test_the_diagram_and_the_table_are_the_same() -> None:
    drawn = set(re.findall(r"([A-Z]+) --([A-Z]+)--> ([A-Z]+)", mapping_states.__doc__ or ""))
    table = {
        (source.name, signal.name, target.name)
        for signal, (sources, target) in TRANSITIONS.items()
        for source in sources
    }
    assert drawn == table


def test_what_is_on_its_way_takes_no_further_change() -> None:
    for state in (MappingState.CREATING, MappingState.UPDATING, MappingState.DELETING):
        for signal in (Signal.UPDATE, Signal.DELETE, Signal.ENABLE, Signal.DISABLE):
            with pytest.raises(IllegalTransition):
                step(state, signal)
