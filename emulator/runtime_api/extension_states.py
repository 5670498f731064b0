"""Where one extension stands, and what it may ask there.

STARTED ----REGISTER---> REGISTERED
REGISTERED -NEXT-------> READY
REGISTERED -INIT_ERROR-> INIT_ERROR
REGISTERED -EXIT_ERROR-> EXIT_ERROR
READY ------EVENT------> RUNNING
READY ------HANG_UP----> RUNNING
READY ------EXIT_ERROR-> EXIT_ERROR
RUNNING ----NEXT-------> READY
RUNNING ----EXIT_ERROR-> EXIT_ERROR

Source: spec/runtime-api.md section 2.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class ExtensionState(Enum):
    """State of one extension; the value is AWS's word in error texts and log lines."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"


class ExtensionSignal(Enum):
    """What can happen to an extension; the value is the state that AWS's error text names."""

    REGISTER = "Registered"
    NEXT = "Ready"
    EVENT = "Running"
    HANG_UP = "HangUp"  # it waited for an event, and closed the connection
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"


_State = ExtensionState
_Signal = ExtensionSignal

TRANSITIONS: Final[Mapping[tuple[ExtensionState, ExtensionSignal], ExtensionState]] = {
    (_State.STARTED, _Signal.REGISTER): _State.REGISTERED,
    (_State.REGISTERED, _Signal.NEXT): _State.READY,  # its part of the init phase is over
    (_State.REGISTERED, _Signal.INIT_ERROR): _State.INIT_ERROR,
    (_State.REGISTERED, _Signal.EXIT_ERROR): _State.EXIT_ERROR,
    (_State.READY, _Signal.EVENT): _State.RUNNING,
    (_State.READY, _Signal.HANG_UP): _State.RUNNING,  # it is expected to ask again
    (_State.READY, _Signal.EXIT_ERROR): _State.EXIT_ERROR,
    (_State.RUNNING, _Signal.NEXT): _State.READY,  # its part of the invoke phase is over
    (_State.RUNNING, _Signal.EXIT_ERROR): _State.EXIT_ERROR,
}
