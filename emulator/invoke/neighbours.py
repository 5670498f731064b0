"""What this room needs from the others."""

from dataclasses import dataclass
from typing import Protocol

from emulator.model import (
    Clock,
    DestinationMessage,
    FunctionVersion,
    Invocation,
    InvocationResult,
    ResolvedFunction,
)
from emulator.observe import Activity, Metrics, Records, Reporter
from emulator.runtime_api import ResponseSink
from emulator.storage import EventJournal


class Resolver(Protocol):
    """Finds what a name and a qualifier stand for; `control.FunctionStore` is one."""

    def resolve(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """Raise `LambdaError` where there is no such function, alias or version.

        May wait a moment for code that is about to change.
        """
        ...

    def look_up(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """Find the same without waiting."""
        ...


class Environments(Protocol):
    """Execution environments of all functions; the sandbox has them."""

    def run(
        self,
        version: FunctionVersion,
        invocation: Invocation,
        sink: ResponseSink | None = None,
    ) -> InvocationResult:
        """Block until the function answered; raise `LambdaError` only when nothing ran."""
        ...


class Destinations(Protocol):
    """Other services, as far as records and dead letters go there."""

    def send(self, message: DestinationMessage) -> None:
        """Hand a message to its target; raise DestinationError when it does not take it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    """What an `Invoker` works with."""

    store: Resolver
    environments: Environments
    destinations: Destinations
    records: Records
    metrics: Metrics
    journal: EventJournal
    reporter: Reporter
    activity: Activity
    clock: Clock
