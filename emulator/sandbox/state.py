"""Life of one execution environment.

COLD ---START--> INIT ---READY--> IDLE ---RESERVE--> INVOKE
                                  IDLE <--RELEASE--- INVOKE
INIT, IDLE, INVOKE ---FAIL--> RESET ---REAPED--> COLD
COLD, INIT, IDLE ---RETIRE--> SHUTDOWN ---EXITED--> STOPPED

After a crash or a timeout Lambda resets an environment rather than replace it: what it wrote
to /tmp is still there, and the next invoke runs the init phase again.
"""

from collections.abc import Collection, Mapping
from enum import Enum, auto
from typing import Final

State = Enum("State", "COLD INIT IDLE INVOKE RESET SHUTDOWN STOPPED")


class Signal(Enum):
    """What may happen to an environment."""

    __hash__ = object.__hash__  # Enum's own is a function in Python, and the table is asked often

    START = auto()
    READY = auto()
    RESERVE = auto()
    RELEASE = auto()
    FAIL = auto()
    REAPED = auto()
    RETIRE = auto()
    EXITED = auto()


TRANSITIONS: Final[Mapping[Signal, tuple[Collection[State], State]]] = {
    Signal.START: ((State.COLD,), State.INIT),  # an invoke needs it, or provisioning asks
    Signal.READY: ((State.INIT,), State.IDLE),  # the runtime asked for its first event
    Signal.RESERVE: ((State.IDLE,), State.INVOKE),  # the pool lent it to one invoke
    Signal.RELEASE: ((State.INVOKE,), State.IDLE),  # the runtime answered and asked again
    Signal.FAIL: ((State.INIT, State.IDLE, State.INVOKE), State.RESET),  # crash or timeout
    Signal.REAPED: ((State.RESET,), State.COLD),  # its processes are gone
    Signal.RETIRE: ((State.COLD, State.INIT, State.IDLE), State.SHUTDOWN),  # unused, or old code
    Signal.EXITED: ((State.SHUTDOWN,), State.STOPPED),  # all it held is freed
}


class IllegalTransition(RuntimeError):
    """A signal in a state that does not know it: our bug, never the user's."""


def step(state: State, signal: Signal) -> State:
    """Return the state after `signal`; raise `IllegalTransition` (our bug, never the user's)."""
    sources, target = TRANSITIONS[signal]
    if state not in sources:
        raise IllegalTransition(f"{signal.name} in state {state.name}")
    return target
