"""The Lambda API over a real HTTP server, a real store, and an invoker that runs no function."""

import io
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from botocore.config import Config

from emulator.api import LambdaApi
from emulator.control import CodeStore, FunctionStore, MappingStore
from emulator.invoke import Accepted, StreamedInvocation
from emulator.invoke.identity import new_request_id
from emulator.invoke.payload import check_payload
from emulator.invoke.response_channel import ResponseChannel
from emulator.model import AwsError, Call, Clock, InvocationResult, Status, limits
from emulator.model.invocation import InvocationLog
from emulator.model.mapping import SourceDescription
from emulator.model.steps import Pause, Steps
from tests.api.output_shape import refuse_foreign_answers

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"


def result_of(payload: bytes, **changes: Any) -> InvocationResult:
    return InvocationResult(
        **{
            "payload": payload,
            "status": Status.SUCCESS,
            "function_error": None,
            "error_type": None,
            "executed_version": "$LATEST",
            "log": InvocationLog(b"START", b"END", b"REPORT"),
            "duration_ms": 1.0,
            "billed_ms": 1,
            "init_ms": None,
            "max_memory_mib": None,
            "environment_id": "e",
            **changes,
        }
    )


@dataclass
class FakeInvoker:
    """Resolves the function, then echoes the payload, or does what the test says."""

    store: FunctionStore
    answer: Callable[[Call], InvocationResult] = lambda call: result_of(call.payload)
    chunks: tuple[bytes, ...] = ()
    ran: list[Call] = field(default_factory=list)
    accepted: list[Call] = field(default_factory=list)

    def run_steps(self, call: Call) -> Steps[tuple[InvocationResult, str]]:
        yield Pause.BLOCKS
        self.check(call)
        self.ran.append(call)
        return self.answer(call), "6c1b0000-0000-4000-8000-000000000000"

    def stream(self, call: Call) -> StreamedInvocation:
        """What `answer` says, after the chunks of the test."""
        self.check(call)
        self.ran.append(call)
        channel = ResponseChannel()
        for chunk in self.chunks:
            channel.begin("text/plain")
            channel.write(chunk)
        channel.finish(self.answer(call))
        return StreamedInvocation(
            request_id="6c1b0000-0000-4000-8000-000000000000",
            executed_version="$LATEST",
            response=channel,
        )

    def submit_steps(self, call: Call) -> Steps[Accepted]:
        yield Pause.BLOCKS
        self.check(call)
        self.accepted.append(call)
        return Accepted(request_id=new_request_id())

    def check(self, call: Call) -> None:
        self.store.resolve(call.account, call.region, call.function, call.qualifier)
        check_payload(call.payload, limits.SYNC_REQUEST_BYTES)


@dataclass
class Lab:
    """Everything a test of the API looks at."""

    clock: Clock
    code: CodeStore
    store: FunctionStore
    mappings: MappingStore
    invoker: FakeInvoker
    api: LambdaApi
    objects: dict[tuple[str, str], bytes]
    sources: dict[str, SourceDescription]  # by ARN
    revoked: set[str]  # ARNs of signing jobs
    told: list[str]  # on the terminal
    endpoint: str = ""

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ["emulator.account"] = environ.get("HTTP_X_TEST_ACCOUNT", ACCOUNT)
        environ["emulator.region"] = environ.get("HTTP_X_TEST_REGION", "us-east-1")
        return self.api.wsgi(environ, start_response)

    def client(self, region: str = "us-east-1", account: str = ACCOUNT) -> Any:
        """A boto3 client that neither retries nor checks parameters before it sends them."""
        return _client(self.endpoint, region, account)

    def http(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, bytes]:
        request = urllib.request.Request(
            self.endpoint + path, data=body or None, method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


@cache
def _client(endpoint: str, region: str, account: str) -> Any:
    made = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )

    def name(request: Any, **_: object) -> None:
        request.headers["X-Test-Account"] = account
        request.headers["X-Test-Region"] = region

    made.meta.events.register("before-send.lambda", name)
    refuse_foreign_answers(made)
    return made


def fetch_from(objects: Mapping[tuple[str, str], bytes]) -> Callable[..., bytes]:
    def fetch(_account: str, _region: str, bucket: str, key: str, _version: str | None) -> bytes:
        if not any(bucket == held for held, _ in objects):
            raise AwsError("NoSuchBucket", "The specified bucket does not exist")
        if (bucket, key) not in objects:
            raise AwsError("NoSuchKey", "The specified key does not exist.")
        return objects[bucket, key]

    return fetch


def find_vpc(_account: str, _region: str, subnets: Sequence[str], groups: Sequence[str]) -> str:
    """EC2, as it is when `subnet-1`, `subnet-2`, `sg-1` and `sg-2` are there."""
    for subnet in subnets:
        if subnet not in {"subnet-1", "subnet-2"}:
            text = f"The subnet ID '{subnet}' does not exist"
            raise AwsError("InvalidSubnetID.NotFound", text)
    for group in groups:
        if group not in {"sg-1", "sg-2"}:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
    return "vpc-1"


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in (files or {"app": "def handler(event, context): ..."}).items():
            zipped.writestr(zipfile.ZipInfo(f"{name}.py"), content)
    return buffer.getvalue()
