"""Life of one event source mapping, as its `State` tells it.

CREATING --STARTED--> ENABLED, UPDATING --STARTED--> ENABLED, ENABLING --STARTED--> ENABLED
CREATING --STOPPED--> DISABLED, UPDATING --STOPPED--> DISABLED, DISABLING --STOPPED--> DISABLED
ENABLED --UPDATE--> UPDATING, DISABLED --UPDATE--> UPDATING
DISABLED --ENABLE--> ENABLING, ENABLED --DISABLE--> DISABLING
ENABLED --DELETE--> DELETING, DISABLED --DELETE--> DELETING

From DELETING it is gone. Source: spec/event-source-mappings.md section 1.1.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final


class MappingState(Enum):
    """`State`, in the API's words."""

    CREATING = "Creating"
    ENABLED = "Enabled"
    DISABLED = "Disabled"
    UPDATING = "Updating"
    ENABLING = "Enabling"
    DISABLING = "Disabling"
    DELETING = "Deleting"


Signal = Enum("Signal", "STARTED STOPPED UPDATE ENABLE DISABLE DELETE")

_SETTLED: Final = frozenset({MappingState.ENABLED, MappingState.DISABLED})

TRANSITIONS: Final[Mapping[Signal, tuple[Collection[MappingState], MappingState]]] = {
    Signal.STARTED: (  # its poller reads, with the options of now
        {MappingState.CREATING, MappingState.UPDATING, MappingState.ENABLING},
        MappingState.ENABLED,
    ),
    Signal.STOPPED: (  # nobody reads for it
        {MappingState.CREATING, MappingState.UPDATING, MappingState.DISABLING},
        MappingState.DISABLED,
    ),
    Signal.UPDATE: (_SETTLED, MappingState.UPDATING),  # an option or the function changes
    Signal.ENABLE: ({MappingState.DISABLED}, MappingState.ENABLING),
    Signal.DISABLE: ({MappingState.ENABLED}, MappingState.DISABLING),
    Signal.DELETE: (_SETTLED, MappingState.DELETING),
}


class IllegalTransition(Exception):
    """A signal that the state does not allow."""


def step(state: MappingState, signal: Signal) -> MappingState:
    """Return the state after `signal`; raise `IllegalTransition` where the table has none."""
    sources, target = TRANSITIONS[signal]
    if state not in sources:
        raise IllegalTransition(f"{signal.name} in state {state.name}")
    return target


def is_settled(state: MappingState) -> bool:
    """True when nothing is under way."""
    return state in _SETTLED
