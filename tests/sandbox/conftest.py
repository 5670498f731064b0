"""Real environments for functions written in a test."""

import itertools
import json
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.model import Clock, CodePackage, FunctionVersion, Invocation, InvocationResult
from emulator.model.steps import finish
from emulator.observe import Activity, LogBook
from emulator.sandbox import Credentials, Environments, Launcher

ISOLATION = Path(__file__).parents[2] / "emulator" / "runtimes" / "python"


def _has_namespaces() -> bool:
    code = "import isolation; isolation.unshare_all()"
    return (
        subprocess.run(
            [sys.executable, "-c", code], cwd=ISOLATION, check=False, stderr=subprocess.DEVNULL
        ).returncode
        == 0
    )


needs_namespaces = pytest.mark.skipif(
    not _has_namespaces(), reason="this kernel, or container, gives this user no namespaces"
)

MakeFunction = Callable[..., FunctionVersion]
Run = Callable[..., InvocationResult]


class Terminal:
    """Collects what the sandbox would show."""

    def __init__(self) -> None:
        self.text = ""
        self.reports: list[tuple[str, dict[str, object]]] = []

    def output(self, function: str, text: str) -> None:
        self.text += text

    def report(self, name: str, **fields: object) -> None:
        self.reports.append((name, fields))


@pytest.fixture(scope="module")
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture(scope="module")
def log_book() -> LogBook:
    return LogBook(Clock())


@pytest.fixture(scope="module")
def isolate() -> bool:
    """Whether functions get namespaces; a module may override it."""
    return True


@pytest.fixture(scope="module")
def activity() -> Activity:
    return Activity(Clock())


@pytest.fixture(scope="module")
def make_environments(
    tmp_path_factory: pytest.TempPathFactory,
    terminal: Terminal,
    log_book: LogBook,
    activity: Activity,
    isolate: bool,
) -> Callable[[], Environments]:
    """Make environments that the test itself stops."""

    def make() -> Environments:
        run_folder = tmp_path_factory.mktemp("run")
        credentials = Credentials(access_key="AKID", secret_key="secret", session_token="token")
        launcher = Launcher(
            run_folder=run_folder,
            endpoint_url=lambda: "http://127.0.0.1:4566",
            credentials=lambda version: credentials,
            report=terminal.report,
            isolate=isolate,
        )
        return Environments(
            backend=launcher,
            run_folder=run_folder,
            log_book=log_book,
            listener=terminal,
            activity=activity,
        )

    return make


@pytest.fixture(scope="module")
def environments(make_environments: Callable[[], Environments]) -> Iterator[Environments]:
    environments = make_environments()
    yield environments
    environments.stop()


@pytest.fixture
def function(tmp_path: Path) -> MakeFunction:
    """Make a function from source text: `function("def handler(event, context): …")`."""
    numbers = itertools.count()

    def make(
        source: str, *, file: str = "app.py", mode: int = 0o644, **more: Any
    ) -> FunctionVersion:
        folder = tmp_path / f"function-{next(numbers)}"
        folder.mkdir()
        path = folder / file
        path.write_text(textwrap.dedent(source))
        path.chmod(mode)
        settings: dict[str, Any] = {"runtime": "python3.11", "handler": "app.handler", **more}
        return FunctionVersion(
            account="000000000000",
            region="us-east-1",
            name="tested",
            deployment=uuid.uuid4().int,
            role="arn:aws:iam::000000000000:role/r",
            code=CodePackage(folder=folder, sha256="", size_bytes=1),
            **settings,
        )

    return make


@pytest.fixture
def run(environments: Environments) -> Run:
    """Run one invocation: `run(function, event)`."""

    def run_one(
        version: FunctionVersion, event: object = None, sink: Any = None, **more: Any
    ) -> InvocationResult:
        invocation = Invocation(
            request_id=str(uuid.uuid4()),
            payload=json.dumps({} if event is None else event).encode(),
            invoked_arn=version.arn,
            trace_header="Root=1-00000000-000000000000000000000000;Sampled=0",
            **more,
        )
        return finish(environments.steps(version, invocation, sink))

    return run_one


@pytest.fixture
def run_to_idle(run: Run, activity: Activity) -> Run:
    """Run one invocation, and return when its environment waits for the next one."""

    def run_one(*arguments: Any, **more: Any) -> InvocationResult:
        result = run(*arguments, **more)
        assert activity.wait_idle(10), activity.pending()
        return result

    return run_one
