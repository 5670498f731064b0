"""The server and the clients of the aws room's tests, and what an event source works with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.control import CodeStore, FunctionStore, MappingStore
from emulator.event_sources import Alarms, Surroundings
from emulator.model import Call, InvocationResult, LambdaError
from emulator.observe import Activity
from emulator.storage import Documents
from tests.aws.conftest import Aws, answered, aws, client, running_aws, session

__all__ = ["answered", "aws", "client", "running_aws", "session"]


class FakeInvoker:
    """Takes calls and keeps them; `on_call` may do more, `answer` makes what `run` returns."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[Call] = []
        self.gone: set[str] = set()
        self.on_call: Any = None
        self.answer: Callable[[Call], InvocationResult] = lambda call: answered()

    def accept(self, call: Call) -> str:
        self._take(call)
        return "request-id"

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        self._take(call)
        return self.answer(call), "request-id"

    def _take(self, call: Call) -> None:
        if call.function in self.gone:
            raise LambdaError("ResourceNotFoundException", f"Function not found: {call.function}")
        self.calls.append(call)
        if self.on_call:
            self.on_call(call)


def settle(around: Surroundings) -> None:
    """Wait until nothing is under way."""
    assert around.activity.wait_idle(10), around.activity.pending()


@pytest.fixture
def invoker(running_invoker: FakeInvoker) -> FakeInvoker:
    running_invoker.reset()
    return running_invoker


@pytest.fixture(scope="module")
def running_invoker() -> FakeInvoker:
    return FakeInvoker()


@pytest.fixture(scope="module")
def surroundings(
    running_aws: Aws, running_invoker: FakeInvoker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Surroundings]:
    folder: Path = tmp_path_factory.mktemp("code")
    clock, reporter = running_aws.clock, running_aws.reporter
    alarms = Alarms(clock, reporter)
    yield Surroundings(
        moto=running_aws.moto,
        invoker=running_invoker,
        functions=FunctionStore(clock, CodeStore(folder)),
        mappings=MappingStore(clock),
        documents=Documents(),
        alarms=alarms,
        activity=Activity(clock),
        metrics=running_aws.metrics,
        clock=clock,
        reporter=reporter,
        endpoint_url=lambda: running_aws.url,
    )
    alarms.stop()
