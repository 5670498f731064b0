"""A real server with moto behind it, and boto3 clients that talk to it."""

import http.client
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator.aws import Fact, Functions, Moto
from emulator.gateway import serve
from emulator.model import Call, Clock, InvocationResult, Status
from emulator.model.invocation import InvocationLog
from emulator.observe import Activity, LogBook, Metrics, Reporter

Client = Callable[..., Any]

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/{}/aws4_request, "
    "SignedHeaders=host, Signature=0"
)


def answered(payload: bytes = b"null", function_error: str | None = None) -> InvocationResult:
    """What the invoker returns for a function that answered `payload`."""
    return InvocationResult(
        payload=payload,
        status=Status.ERROR if function_error else Status.SUCCESS,
        function_error=function_error,
        error_type="Function.Error" if function_error else None,
        executed_version="$LATEST",
        log=InvocationLog(),
        duration_ms=1.0,
        billed_ms=1,
        init_ms=None,
        max_memory_mib=None,
        environment_id="e",
    )


@dataclass
class FakeFunctions:
    """Functions that exist, their policies, and what they answer."""

    arns: set[str] = field(default_factory=set)
    policies: dict[str, bool] = field(default_factory=dict)
    answer: Callable[[Call], bytes] = lambda call: b"{}"

    def door(self) -> Functions:
        return Functions(
            exists=lambda arn: arn in self.arns,
            log_group=lambda arn: f"/aws/lambda/{arn.split(':')[6]}" if arn in self.arns else None,
            policy_allows=lambda arn, service, source, account: self.policies.get(arn),
            invoke=lambda call: answered(self.answer(call)),
        )

    def reset(self) -> None:
        self.arns.clear()
        self.policies.clear()
        self.answer = lambda call: b"{}"


@dataclass
class Aws:
    """Everything a test of this room may want to touch."""

    moto: Moto
    port: int
    clock: Clock
    log_book: LogBook
    metrics: Metrics
    functions: FakeFunctions
    terminal: io.StringIO
    reporter: Reporter
    activity: Activity
    facts: list[Fact] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def running_aws() -> Iterator[Aws]:
    clock, functions, terminal = Clock(), FakeFunctions(), io.StringIO()
    reporter = Reporter(terminal)
    log_book, activity = LogBook(clock), Activity(clock)
    metrics = Metrics(clock)
    moto = Moto(
        log_book=log_book,
        metrics=metrics,
        activity=activity,
        clock=clock,
        reporter=reporter,
        functions=functions.door(),
    )
    server = serve(moto.wsgi, "127.0.0.1", 0)
    moto.listens_on(server.port)
    aws = Aws(moto, server.port, clock, log_book, metrics, functions, terminal, reporter, activity)
    moto.subscribe(aws.facts.append)
    yield aws
    moto.stop()
    server.stop(1)
    moto.reset()
    reporter.stop()


@pytest.fixture
def aws(running_aws: Aws) -> Aws:
    running_aws.moto.reset()
    running_aws.functions.reset()
    running_aws.facts.clear()
    return running_aws


def send(
    aws: Aws, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request over a connection of its own; `Content_Type` is a header, too."""
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=body is not None)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests: it keeps the service models, which take long to read."""
    return boto3.Session()


@pytest.fixture
def client(aws: Aws, session: boto3.Session) -> Iterator[Client]:
    """Make a boto3 client; `key` is its access key."""
    clients = []

    def make(service: str, key: str = "test", region: str = "us-east-1", **more: Any) -> Any:
        config = Config(retries={"max_attempts": 0}).merge(more.pop("config", Config()))
        made: Any = session.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=more.pop("url", aws.url),
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="secret",
            config=config,
            **more,
        )
        clients.append(made)
        return made

    yield make
    for one in clients:
        one.close()
