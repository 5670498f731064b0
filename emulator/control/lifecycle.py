"""Life of one function version, as `State` and `LastUpdateStatus` tell it.

CREATING --READY--> ACTIVE --UPDATE--> UPDATING --READY--> ACTIVE

Source: spec/control-plane.md section 3.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final

Phase = Enum("Phase", "CREATING ACTIVE UPDATING")
Signal = Enum("Signal", "READY UPDATE")

TRANSITIONS: Final[Mapping[Signal, tuple[Collection[Phase], Phase]]] = {
    Signal.READY: ({Phase.CREATING, Phase.UPDATING}, Phase.ACTIVE),  # its code is in place
    Signal.UPDATE: ({Phase.ACTIVE}, Phase.UPDATING),  # code or configuration was changed
}

MEMBERS: Final[Mapping[Phase, Mapping[str, str]]] = {  # how an answer shows each phase
    Phase.CREATING: {
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    },
    Phase.ACTIVE: {"State": "Active", "LastUpdateStatus": "Successful"},
    Phase.UPDATING: {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",  # sic
        "LastUpdateStatusReasonCode": "Creating",
    },
}


class IllegalTransition(Exception):
    """A signal that the phase does not allow: our bug, never the user's."""


def step(phase: Phase, signal: Signal) -> Phase:
    """Return the phase after `signal`; raise `IllegalTransition` where the table has none."""
    sources, target = TRANSITIONS[signal]
    if phase not in sources:
        raise IllegalTransition(f"{signal.name} in phase {phase.name}")
    return target
