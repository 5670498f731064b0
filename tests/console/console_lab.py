"""The console with everything behind it made up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.test import Client, TestResponse

from emulator.console import Admin, Rooms
from emulator.invoke import Backlog
from emulator.model import (
    Clock,
    CodePackage,
    FunctionVersion,
)
from emulator.model.triggers.nats import NatsBinding, NatsStatus, NatsTrigger
from emulator.observe import Activity, LogBook, Records


@dataclass(frozen=True, kw_only=True)
class Keys:
    access_key: str = "ASIA"
    secret_key: str = "secret"
    token: str = "session"


CODE = CodePackage(folder=Path("/src/hello"), sha256="x", size_bytes=1, is_live=True)


def function(name: str, **changes: Any) -> FunctionVersion:
    settings: dict[str, Any] = {
        "account": "000000000000",
        "region": "us-east-1",
        "name": name,
        "deployment": 1,
        "runtime": "python3.12",
        "handler": "app.handler",
        "role": "",
        "code": CODE,
    }
    return FunctionVersion(**{**settings, **changes})


class FakeNats:
    """Bindings without a server."""

    def __init__(self) -> None:
        self.bindings: list[NatsBinding] = []

    def status(self) -> NatsStatus:
        return NatsStatus(
            url="nats://h:1", is_connected=True, dropped=2, bindings=tuple(self.bindings)
        )

    def add(self, trigger: NatsTrigger, function_arn: str) -> bool:
        binding = NatsBinding(
            trigger=trigger, function_arn=function_arn, is_declared=False, state="listening"
        )
        is_new = binding not in self.bindings
        self.bindings += [binding] * is_new
        return is_new

    def remove(self, subject: str, function: str) -> list[NatsBinding]:
        return [
            each
            for each in self.bindings
            if (each.trigger.subject, each.function_arn.rpartition(":")[2]) == (subject, function)
        ]


@dataclass
class Emulator:
    """Real rooms with an Admin before them."""

    clock: Clock = field(default_factory=Clock)
    functions: list[FunctionVersion] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    backlog: Backlog = field(default_factory=lambda: Backlog(functions=()))

    def __post_init__(self) -> None:
        self.activity = Activity(self.clock)
        self.log_book = LogBook(self.clock)
        self.records = Records()
        self.nats = FakeNats()
        self.admin = Admin(
            Rooms(
                version="1.2.3",
                functions=lambda: self.functions,
                services=lambda: {"s3": "running"},
                archive_for={"abc": b"PK"}.get,
                reset=lambda: self.resets.append("reset"),
                catch_up=lambda: None,
                backlog=lambda: self.backlog,
                container_credentials={"t": Keys()}.get,
                activity=self.activity,
                clock=self.clock,
                log_book=self.log_book,
                records=self.records,
                nats=lambda: self.nats,
            )
        )

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As the router passes requests on."""
        environ["emulator.account"], environ["emulator.region"] = "000000000000", "us-east-1"
        return self.admin(environ, start_response)

    def get(self, path: str) -> TestResponse:
        return Client(self.wsgi).get(path)

    def delete(self, path: str) -> TestResponse:
        return Client(self.wsgi).delete(path)

    def post(self, path: str, body: object = None) -> TestResponse:
        return Client(self.wsgi).post(path, json=body) if body else Client(self.wsgi).post(path)
