"""What every event source is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.aws import Moto
from emulator.control import FunctionStore, MappingStore
from emulator.event_sources.alarms import Alarms
from emulator.model import Call, Clock, InvocationResult
from emulator.model.triggers import Trigger
from emulator.model.triggers.nats import DEFAULT_URL
from emulator.observe import Activity, Metrics, Reporter
from emulator.storage import Documents


class Invoker(Protocol):
    """The one door to functions."""

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        """Run a function and wait; raises LambdaError when nothing ran."""

    def accept(self, call: Call) -> str:
        """Queue an asynchronous invocation and return its request id at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What an event source works with."""

    moto: Moto
    invoker: Invoker
    functions: FunctionStore
    mappings: MappingStore
    documents: Documents
    alarms: Alarms
    activity: Activity
    metrics: Metrics
    clock: Clock
    reporter: Reporter
    endpoint_url: Callable[[], str]  # where functions and clients reach the emulator
    # Told `Host` and `Origin` of a request that did not come through the gateway.
    is_foreign: Callable[[str, str | None], bool] = lambda _host, _origin: False
    nats_url: str = DEFAULT_URL


class EventSource:
    """One source: it hears of facts, and knocks on the invoker's door.

    What `settle` must wait for (a fact not yet handed on, a batch to be sent now) is an activity
    from the moment the fact is told; what waits for a later time on the clock is none.
    """

    trigger: type[Trigger] | None = None  # what a project file declares for it

    def __init__(self, around: Surroundings) -> None:
        """Subscribe to the facts of its service."""
        self.around = around

    def start(self) -> None:
        """Begin with what comes from outside the process: functions are there, and can run."""

    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Have what the trigger names invoke a function."""
        raise NotImplementedError(f"{type(self).__name__} has no triggers")

    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take back a `bind` with the same arguments."""
        raise NotImplementedError(f"{type(self).__name__} has no triggers")

    def reset(self) -> None:
        """Forget everything: the services are empty, and so are the functions."""

    def catch_up(self) -> None:
        """Return when what was handed to the source before the call is an activity.

        Only for sources outside this process: a fact is an activity from the moment it is told.
        """

    def stop(self, grace_s: float) -> None:
        """Start nothing new, wait up to `grace_s` for what runs, and end the threads."""
