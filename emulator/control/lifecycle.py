"""Life of one function version, as `State` and `LastUpdateStatus` tell it.

CREATING --READY--> ACTIVE --UPDATE--> UPDATING --READY--> ACTIVE
OPTIMIZING --READY--> ACTIVE
OPTIMIZING --FAIL--> FAILED

Source: spec/control-plane.md section 3.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final

Phase = Enum("Phase", "CREATING ACTIVE UPDATING OPTIMIZING FAILED")
Signal = Enum("Signal", "READY UPDATE FAIL")

TRANSITIONS: Final[Mapping[Signal, tuple[Collection[Phase], Phase]]] = {
    # Its code is in place, or its snapshot.
    Signal.READY: ({Phase.CREATING, Phase.UPDATING, Phase.OPTIMIZING}, Phase.ACTIVE),
    Signal.UPDATE: ({Phase.ACTIVE}, Phase.UPDATING),  # code or configuration was changed
    Signal.FAIL: ({Phase.OPTIMIZING}, Phase.FAILED),  # its init phase did, so there is no snapshot
}

_PENDING: Final = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
MEMBERS: Final[Mapping[Phase, Mapping[str, str]]] = {  # how an answer shows each phase
    Phase.CREATING: _PENDING,
    Phase.OPTIMIZING: _PENDING,
    Phase.FAILED: {"State": "Failed", "LastUpdateStatus": "Failed"},  # the reason stands beside it
    Phase.ACTIVE: {"State": "Active", "LastUpdateStatus": "Successful"},
    Phase.UPDATING: {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",  # sic
        "LastUpdateStatusReasonCode": "Creating",
    },
}


TIMED: Final = frozenset({Phase.CREATING, Phase.UPDATING})  # over after a while, by themselves
CALLABLE: Final = frozenset({Phase.ACTIVE, Phase.UPDATING})


class IllegalTransition(Exception):
    """A signal that the phase does not allow: our bug, never the user's."""


def step(phase: Phase, signal: Signal) -> Phase:
    """Return the phase after `signal`; raise `IllegalTransition` where the table has none."""
    sources, target = TRANSITIONS[signal]
    if phase not in sources:
        raise IllegalTransition(f"{signal.name} in phase {phase.name}")
    return target
