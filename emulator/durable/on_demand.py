"""Durable executions, made when the first one is there or asked for: a start is not to pay."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from emulator.control import FunctionStore, Operation, Request, RequestContext, Response
from emulator.control.request import operations_of
from emulator.durable.surroundings import HEAD, Invoke, RunOnce, Surroundings
from emulator.model import Call, FunctionVersion, Invocation, InvocationResult, ResolvedFunction

if TYPE_CHECKING:
    from emulator.durable.engine import DurableEngine

OPERATIONS: Final = (
    "CheckpointDurableExecution",
    "DeleteDurableExecution",
    "GetDurableExecution",
    "GetDurableExecutionHistory",
    "GetDurableExecutionState",
    "ListDurableExecutionsByFunction",
    "PauseDurableExecution",
    "ResumeDurableExecution",
    "SendDurableExecutionCallbackFailure",
    "SendDurableExecutionCallbackHeartbeat",
    "SendDurableExecutionCallbackSuccess",
    "StopDurableExecution",
)


class DurableOnDemand:
    """The engine and its operations, once somebody needs them.

    Any thread may call. `_lock` guards the making, a hundredth of a second for the modules.
    """

    def __init__(self, around: Surroundings, store: FunctionStore) -> None:
        self._around = around
        self._store = store
        self._lock = threading.Lock()
        self._engine: DurableEngine | None = None
        self._made_operations: Mapping[str, Operation] = {}
        self._serving: tuple[RunOnce, Invoke] | None = None

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation on durable executions, by its name in the service model."""
        return {name: self._operation(name) for name in OPERATIONS}

    def serve(self, run_once: RunOnce, invoke: Invoke) -> None:
        """Have functions run by `run_once`, and other functions invoked by `invoke`."""
        self._serving = run_once, invoke

    def check(self, resolved: ResolvedFunction, name: str | None, *, is_sync: bool) -> None:
        """Raise LambdaError where no execution may be started, or be named so."""
        self._made().check(resolved, name, is_sync=is_sync)

    def run(
        self, resolved: ResolvedFunction, invocation: Invocation, call: Call
    ) -> InvocationResult:
        """Start the execution of a call, or find the one of that name, and wait for its end."""
        return self._made().run(resolved, invocation, call)

    def accept(self, resolved: ResolvedFunction, invocation: Invocation, name: str | None) -> str:
        """Start or find it without waiting; returns its ARN."""
        return self._made().accept(resolved, invocation, name)

    def function_deleted(self, version: FunctionVersion) -> None:
        """End and forget what ran of a version that is gone."""
        if self._engine is not None:
            self._engine.function_deleted(version)

    def restore(self) -> int:
        """Bring back what an earlier process kept; returns how many. Raises StorageError."""
        return self._made().restore() if self._around.documents.all(HEAD) else 0

    def resume(self) -> int:
        """Go on with what `restore` found; returns how many executions have not ended."""
        return 0 if self._engine is None else self._engine.resume()

    def reset(self) -> None:
        """Forget everything; whoever empties everything clears the documents, too."""
        if self._engine is not None:
            self._engine.reset()

    def stop(self, grace_s: float) -> int:
        """Invoke nothing any more, let what runs finish; returns how many have not ended."""
        return 0 if self._engine is None else self._engine.stop(grace_s)

    def _operation(self, name: str) -> Callable[[RequestContext, Request], Response]:
        def run(context: RequestContext, request: Request) -> Response:
            self._made()
            return self._made_operations[name](context, request)

        return run

    def _made(self) -> "DurableEngine":
        with self._lock:
            if self._engine is None:
                # Late: a dozen dataclasses, which most projects never need.
                from emulator.durable.engine import DurableEngine
                from emulator.durable.operations import DurableOperations

                assert self._serving is not None
                engine = DurableEngine(self._around)
                engine.serve(*self._serving)
                self._made_operations = operations_of(DurableOperations(engine, self._store))
                self._engine = engine
            return self._engine
