"""What durable executions need of the other rooms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from emulator.invoke.neighbours import Destinations, Resolver
from emulator.model import Call, Clock, Invocation, InvocationResult, ResolvedFunction
from emulator.observe import Activity, Metrics, Reporter
from emulator.storage import Documents

HEAD: Final = "durable-execution"  # the kind of document that each execution has one of


class Cancellable(Protocol):
    """An alarm that is set."""

    def cancel(self) -> None:
        """Do not ring."""


SetAlarm = Callable[[float, Callable[[], None]], Cancellable]
"""Moment on `Clock.monotonic`, what to do then. It may only start work."""
RunOnce = Callable[[ResolvedFunction, Invocation, float], InvocationResult]
"""Function, invocation, when it was accepted -> result; LambdaError when nothing ran."""
Invoke = Callable[[Call], tuple[InvocationResult, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The rooms around."""

    functions: Resolver
    documents: Documents
    destinations: Destinations
    set_alarm: SetAlarm
    activity: Activity
    metrics: Metrics
    reporter: Reporter
    clock: Clock
