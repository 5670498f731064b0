"""What this room needs from the function store and from the sandbox."""

from typing import Protocol

from emulator.model import FunctionVersion, Invocation, InvocationResult, ResolvedFunction


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

    def run(self, version: FunctionVersion, invocation: Invocation) -> InvocationResult:
        """Block until the function answered; raise `LambdaError` only when nothing ran."""
        ...
