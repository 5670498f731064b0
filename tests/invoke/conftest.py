"""An invoker with everything real around it but the function store and the sandbox."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from emulator.invoke import Invoker, InvokeSettings, Neighbours
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    Call,
    Clock,
    CodePackage,
    DestinationMessage,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
    Status,
    function_arn,
)
from emulator.model.invocation import InvocationLog
from emulator.model.steps import Pause, Steps
from emulator.observe import Activity, Metrics, Records, Reporter
from emulator.runtime_api import ResponseSink
from emulator.storage import EventJournal

Handler = Callable[[Invocation], InvocationResult]

CODE = CodePackage(folder=Path("nowhere"), sha256="", size_bytes=0, is_live=True)


def succeeded(payload: bytes = b"null") -> InvocationResult:
    return InvocationResult(
        payload=payload,
        status=Status.SUCCESS,
        function_error=None,
        error_type=None,
        executed_version="$LATEST",
        log=InvocationLog(b"START", b"END", b"REPORT"),
        duration_ms=7.4,
        billed_ms=8,
        init_ms=None,
        max_memory_mib=30,
        environment_id="7f3a",
    )


def failed(error_type: str = "KeyError") -> InvocationResult:
    return InvocationResult(
        payload=json.dumps({"errorType": error_type}).encode(),
        status=Status.ERROR,
        function_error="Unhandled",
        error_type=error_type,
        executed_version="$LATEST",
        log=InvocationLog(b"START", b"END", b"REPORT"),
        duration_ms=1.0,
        billed_ms=42,
        init_ms=41.0,
        max_memory_mib=30,
        environment_id="7f3a",
    )


class Functions:
    """A function store that knows names and the alias `prod`."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self.inactive: set[str] = set()
        self.settings: dict[str, Any] = {}  # further members of every ResolvedFunction
        self.version_settings: dict[str, Any] = {}  # of every FunctionVersion
        self.dead_letter_arn: str | None = None

    def deploy(self, name: str) -> None:
        self._names[name] = self._names.get(name, 0) + 1

    def delete(self, name: str) -> None:
        del self._names[name]

    def resolve(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        arn = function_arn(account, region, function, qualifier)
        if function not in self._names or qualifier not in (None, "prod"):
            raise LambdaError("ResourceNotFoundException", f"Function not found: {arn}")
        version = FunctionVersion(
            account=account,
            region=region,
            name=function,
            deployment=self._names[function],
            runtime="python3.12",
            handler="app.handler",
            role="",
            code=CODE,
            dead_letter_arn=self.dead_letter_arn,
            **self.version_settings,
        )
        is_active = function not in self.inactive
        return ResolvedFunction(
            version=version, invoked_arn=arn, is_active=is_active, **self.settings
        )

    look_up = resolve

    def resolve_at_once(self, *question: Any) -> None:
        """Find out nothing without `resolve`."""


class Sandbox:
    """Runs a Python callable for each function, and notes which deployment ran."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.deployments: list[int] = []

    def steps(
        self,
        version: FunctionVersion,
        invocation: Invocation,
        sink: ResponseSink | None = None,
    ) -> Steps[InvocationResult]:
        yield Pause.BLOCKS
        self.deployments.append(version.deployment)
        return self.handlers[version.name](invocation)


class Destinations:
    """Takes messages; does more for a target that has an entry in `on_send`."""

    def __init__(self) -> None:
        self.sent: list[DestinationMessage] = []
        self.on_send: dict[str, Callable[[], None]] = {}

    def send(self, message: DestinationMessage) -> None:
        self.on_send.get(message.target_arn, lambda: None)()
        self.sent.append(message)


class NoDurableExecutions:
    """No function here is durable."""

    def serve(self, run_once: object, invoke: object) -> None:
        pass

    def check(self, resolved: ResolvedFunction, name: str | None, *, is_sync: bool) -> None:
        raise AssertionError("asked for a function that is not durable")

    def run(
        self, resolved: ResolvedFunction, invocation: Invocation, call: Call
    ) -> InvocationResult:
        raise AssertionError("run for a function that is not durable")

    def accept(self, resolved: ResolvedFunction, invocation: Invocation, name: str | None) -> str:
        raise AssertionError("accepted for a function that is not durable")


class Workbench:
    """The invoker of one test."""

    def __init__(self, settings: InvokeSettings, journal: EventJournal | None = None) -> None:
        self.clock = Clock()
        self.functions = Functions()
        self.sandbox = Sandbox()
        self.destinations = Destinations()
        self.records = Records()
        self.metrics = Metrics(self.clock)
        self.activity = Activity(self.clock)
        self.terminal = io.StringIO()
        self.reporter = Reporter(self.terminal, "json")
        self.invoker = Invoker(
            Neighbours(
                store=self.functions,
                environments=self.sandbox,
                destinations=self.destinations,
                durable=NoDurableExecutions(),
                records=self.records,
                metrics=self.metrics,
                journal=journal or EventJournal(),
                reporter=self.reporter,
                activity=self.activity,
                clock=self.clock,
            ),
            settings,
        )

    def deploy(self, name: str, handler: Handler = lambda _: succeeded()) -> None:
        self.sandbox.handlers[name] = handler
        self.functions.deploy(name)

    def call(self, function: str = "orders", **members: Any) -> Call:
        members = {"payload": b"{}", **members}
        return Call(account=DEFAULT_ACCOUNT, region=DEFAULT_REGION, function=function, **members)

    def run(self, function: str = "orders", **members: Any) -> tuple[InvocationResult, str]:
        return self.invoker.run(self.call(function, **members))

    def accept(self, function: str = "orders", **members: Any) -> str:
        return self.invoker.accept(self.call(function, **members))

    def settle(self) -> None:
        """Wait until nothing runs and nothing is due."""
        assert self.activity.wait_idle(10), self.activity.pending()

    def lines(self, event: str) -> list[dict[str, object]]:
        """What the terminal was told under the name `event`; ends the reporter."""
        self.reporter.stop()
        lines = [json.loads(line) for line in self.terminal.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    def close(self) -> None:
        self.invoker.stop(0)
        self.reporter.stop()


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Workbench]]:
    """A workbench with the settings given."""
    with ExitStack() as stack:

        def make(journal: EventJournal | None = None, **settings: Any) -> Workbench:
            bench = Workbench(InvokeSettings(**settings), journal)
            stack.callback(bench.close)
            return bench

        yield make


@pytest.fixture
def bench(make_bench: Callable[..., Workbench]) -> Workbench:
    """A workbench with default settings."""
    return make_bench()


@pytest.fixture
def success() -> InvocationResult:
    return succeeded()


@pytest.fixture
def failure() -> InvocationResult:
    return failed()
