"""What this room needs from the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.model import (
    Call,
    Clock,
    DestinationMessage,
    FunctionVersion,
    Invocation,
    InvocationResult,
    ResolvedFunction,
)
from emulator.model.steps import Steps
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

    def resolve_at_once(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction | None:
        """Find the same; None when that may take time, or fail."""
        ...

    def look_up(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """Find the same without waiting."""
        ...


class Environments(Protocol):
    """Execution environments of all functions; the sandbox has them."""

    def steps(
        self,
        version: FunctionVersion,
        invocation: Invocation,
        sink: ResponseSink | None = None,
    ) -> Steps[InvocationResult]:
        """Run the function until it has answered; raise `LambdaError` only when nothing ran."""
        ...


class Destinations(Protocol):
    """Other services, as far as records and dead letters go there."""

    def send(self, message: DestinationMessage) -> None:
        """Hand a message to its target; raise DestinationError when it does not take it."""
        ...


class DurableExecutions(Protocol):
    """What invocations of durable functions become."""

    def serve(
        self,
        run_once: Callable[[ResolvedFunction, Invocation, float], InvocationResult],
        invoke: Callable[[Call], tuple[InvocationResult, str]],
    ) -> None:
        """Have functions run by `run_once`, and other functions invoked by `invoke`."""
        ...

    def check(self, resolved: ResolvedFunction, name: str | None, *, is_sync: bool) -> None:
        """Raise `LambdaError` where no execution may be started, or be named so."""
        ...

    def run(
        self, resolved: ResolvedFunction, invocation: Invocation, call: Call
    ) -> InvocationResult:
        """Start the execution of a call, or find the one of that name, and wait for its end."""
        ...

    def accept(self, resolved: ResolvedFunction, invocation: Invocation, name: str | None) -> str:
        """Start or find it without waiting; returns its ARN."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    """What an `Invoker` works with."""

    store: Resolver
    environments: Environments
    destinations: Destinations
    durable: DurableExecutions
    records: Records
    metrics: Metrics
    journal: EventJournal
    reporter: Reporter
    activity: Activity
    clock: Clock
