"""The table of an environment's life, and the drawing of it."""

import re

import pytest

from emulator.sandbox import state
from emulator.sandbox.state import TRANSITIONS, IllegalTransition, Signal, State, step


def drawn() -> set[tuple[str, str, str]]:
    """Edges of the diagram in the module's docstring: (source, signal, target)."""
    edges = set()
    for line in (state.__doc__ or "").splitlines():
        words = re.split(r"\s*(<--[A-Z]+---|---[A-Z]+-->)\s*", line.strip())
        for left, arrow, right in zip(words[::2], words[1::2], words[2::2], strict=False):
            signal = arrow.strip("<->")
            sources, target = (right, left) if arrow.startswith("<") else (left, right)
            edges |= {(source.strip(), signal, target) for source in sources.split(",")}
    return edges


def test_the_diagram_is_the_table() -> None:
    table = {
        (source.name, signal.name, target.name)
        for signal, (sources, target) in TRANSITIONS.items()
        for source in sources
    }
    assert drawn() == table


def test_a_signal_in_the_wrong_state_is_our_bug() -> None:
    with pytest.raises(IllegalTransition, match="RESERVE in state INVOKE"):
        step(State.INVOKE, Signal.RESERVE)
