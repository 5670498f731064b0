"""Function URLs on a real server, with a door that runs a Python function of the test's."""

import http.client
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.aws.callers import Callers
from emulator.aws.credentials import Credentials
from emulator.control import CodeStore, FunctionSpec, FunctionStore, Target
from emulator.control.policy import new_policy, statement
from emulator.event_sources.http import HttpEvents
from emulator.gateway import serve
from emulator.invoke import StreamedInvocation
from emulator.invoke.response_channel import ResponseChannel
from emulator.model import LATEST, Call, Clock, InvocationResult, LambdaError
from emulator.model.function_url import FunctionUrl
from emulator.observe import Reporter
from tests.aws.conftest import answered

ACCOUNT = "000000000000"
REGION = "us-east-1"
URL_ID = "abcdefghijklmnopqrstuvwxyz234567"
HOST = f"{URL_ID}.lambda-url.{REGION}.localhost:4566"


@dataclass
class Door:
    """Runs `handler` where a sandbox would run the function."""

    handler: Callable[[dict[str, Any]], object] = lambda event: event
    function_error: str | None = None
    chunks: tuple[bytes, ...] = ()
    calls: list[Call] = field(default_factory=list)

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        self.calls.append(call)
        if call.function.partition(":")[0] not in ("hello", "orders"):
            raise LambdaError("ResourceNotFoundException", f"Function not found: {call.function}")
        payload = json.dumps(self.handler(json.loads(call.payload))).encode()
        result = answered(payload, self.function_error)
        return result, "request-1"

    def stream(self, call: Call) -> StreamedInvocation:
        """Stream `chunks`, the first one the content type, then end as `function_error` says."""
        self.calls.append(call)
        channel = ResponseChannel()
        for chunk in self.chunks[1:]:
            channel.begin(self.chunks[0].decode())
            channel.write(chunk)
        channel.finish(answered(b'{"n": 1}', self.function_error))
        return StreamedInvocation(
            request_id="request-1", executed_version="$LATEST", response=channel
        )


@dataclass
class UrlLab:
    """A client of `/fn/…` and of function URLs, and what stands behind them."""

    door: Door
    store: FunctionStore
    clock: Clock
    credentials: Credentials
    events: HttpEvents
    output: io.StringIO  # the terminal
    connection: http.client.HTTPConnection

    def __call__(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def event(self, path: str, method: str = "GET", **request: Any) -> dict[str, Any]:
        """The event of a request, by a function that answers with it."""
        event: dict[str, Any] = json.loads(self(path, method, **request)[1])
        return event

    def give_url(self, name: str = "hello", qualifier: str = LATEST, **settings: Any) -> None:
        """Let a function be reached by HOST; as it is, only a policy lets callers in."""
        url = FunctionUrl(**{"url_id": URL_ID, **settings})
        self.store.change(_target(name), lambda function: function.urls.update({qualifier: url}))

    def allow(self, action: str, name: str = "hello", **request: Any) -> None:
        """Add what AddPermission would add to a function's policy."""
        request = {"Principal": "*", "StatementId": action, "Action": action, **request}
        added = statement(request, _target(name).arn)

        def change(function: Any) -> None:
            policy = function.policies.get(None) or new_policy()
            function.policies[None] = policy.with_statement(added)

        self.store.change(_target(name), change)


def _target(name: str) -> Target:
    return Target(ACCOUNT, REGION, name)


@contextmanager
def url_lab(folder: Path) -> Iterator[UrlLab]:
    """A lab with the functions hello, orders, and streams, whose URL streams."""
    clock, credentials, output = Clock(), Credentials(), io.StringIO()
    code, door, reporter = CodeStore(folder / "code"), Door(), Reporter(output)
    store = FunctionStore(clock, code)
    for name, account in (("hello", ACCOUNT), ("orders", ACCOUNT), ("far", "1" * 12)):
        store.deploy(_spec(name, account), code.from_folder(folder, live=True))
    callers = Callers(credentials, clock)
    events = HttpEvents(
        door,
        store,
        lambda environ, body, region: callers.identify(
            environ, body, service="lambda", region=region
        ),
        clock,
        reporter,
    )

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["emulator.account"], environ["emulator.region"] = ACCOUNT, REGION
        return events(environ, start_response)

    server = serve(wsgi, "127.0.0.1", 0)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        yield UrlLab(door, store, clock, credentials, events, output, connection)
    server.stop(5)
    reporter.stop()


def _spec(name: str, account: str) -> FunctionSpec:
    return FunctionSpec(
        account=account,
        name=name,
        runtime="python3.12",
        handler="app.handler",
        role=f"arn:aws:iam::{account}:role/r",
    )


def ask(
    call: UrlLab, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, Message, Any]:
    """Status, headers and JSON of a URL's answer."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    answer, body = call(path, method, headers={"Host": HOST, **named})
    return answer.status, answer.headers, json.loads(body) if body else None
