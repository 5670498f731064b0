"""Who may subscribe, and when."""

import json
import socket
from typing import Any

import pytest

from emulator.runtime_api.connection import Connection
from emulator.runtime_api.extension_desk import ExtensionDesk
from emulator.runtime_api.extensions import Extension
from emulator.runtime_api.rules import Reply, Request
from emulator.runtime_api.telemetry_desk import TelemetryDesk
from emulator.runtime_api.telemetry_rules import Subscription

TELEMETRY, LOGS = "/2022-07-01/telemetry", "/2020-08-15/logs"
BODIES = {
    TELEMETRY: {"schemaVersion": "2022-12-13"},
    LOGS: {"schemaVersion": "2021-03-18"},
}
COMMON = {"types": ["platform"], "destination": {"protocol": "TCP", "port": 4243}}


class Lab:
    """An environment's desks, and an extension that has registered."""

    def __init__(self) -> None:
        self.subscribed: list[tuple[str, Subscription]] = []
        ours, self._theirs = socket.socketpair()
        self.connection = Connection(ours)
        self.extensions = ExtensionDesk(lambda connection, reply: None, None)
        self.desk = TelemetryDesk(self.extensions, self._subscribe)
        self.identifier = self.register("shipper")

    def _subscribe(self, extension: Extension, subscription: Subscription) -> None:
        self.subscribed.append((extension.name, subscription))

    def register(self, name: str) -> str:
        headers = {"lambda-extension-name": name}
        path, body = "/2020-01-01/extension/register", b'{"events":["INVOKE"]}'
        reply = self.extensions.handle(
            Request(method="POST", path=path, headers=headers, body=body), self.connection
        )
        assert reply is not None
        assert reply.headers is not None
        return reply.headers["Lambda-Extension-Identifier"]

    def next(self) -> None:
        path, headers = "/2020-01-01/extension/event/next", self._headers()
        request = Request(method="GET", path=path, headers=headers, body=b"")
        assert self.extensions.handle(request, self.connection) is None

    def put(self, path: str = TELEMETRY, **changes: Any) -> Reply:
        body = json.dumps(BODIES.get(path, {}) | COMMON | changes).encode()
        return self.ask(Request(method="PUT", path=path, headers=self._headers(), body=body))

    def ask(self, request: Request) -> Reply:
        reply = self.desk.handle(request, self.connection)
        assert reply is not None
        return reply

    def _headers(self) -> dict[str, str]:
        return {"lambda-extension-identifier": self.identifier}

    def close(self) -> None:
        self.connection.close()
        self._theirs.close()


@pytest.fixture
def lab() -> Any:
    made = Lab()
    yield made
    made.close()


def error_type(reply: Reply) -> str:
    return str(json.loads(reply.body)["errorType"])


@pytest.mark.parametrize("path", [TELEMETRY, LOGS])
def test_an_extension_subscribes_before_it_asks_for_its_first_event(lab: Lab, path: str) -> None:
    reply = lab.put(path)
    assert (reply.status, reply.body) == (200, b"OK")
    [(name, subscription)] = lab.subscribed
    assert (name, subscription.schema) == ("shipper", BODIES[path]["schemaVersion"])
    lab.put(path)
    assert len(lab.subscribed) == 2
    lab.next()
    closed = lab.put(path)
    assert closed.status == 403
    assert len(lab.subscribed) == 2


def test_one_extension_uses_one_of_both_apis_and_another_the_other(lab: Lab) -> None:
    assert lab.put(LOGS).status == 200
    refused = lab.put(TELEMETRY)
    assert (refused.status, error_type(refused)) == (400, "Telemetry.ValidationError")
    lab.identifier = lab.register("other")
    assert lab.put(TELEMETRY).status == 200


@pytest.mark.parametrize(
    ("path", "expected"), [(TELEMETRY, "Telemetry.ValidationError"), (LOGS, "Logs.ValidationError")]
)
def test_a_mistake_is_a_validation_error_of_its_api(lab: Lab, path: str, expected: str) -> None:
    refused = lab.put(path, types=["everything"])
    assert (refused.status, error_type(refused)) == (400, expected)
    assert lab.subscribed == []


def test_only_extensions_may_subscribe(lab: Lab) -> None:
    lab.identifier = "3f2b1a52-0000-4000-8000-000000000000"
    refused = lab.put()
    assert refused.status == 403
    assert error_type(refused) == "Extension.UnknownExtensionIdentifier"


def test_other_methods_and_paths_are_refused(lab: Lab) -> None:
    assert lab.ask(Request(method="POST", path=TELEMETRY, headers={}, body=b"")).status == 405
    assert lab.put(TELEMETRY + "/x").status == 404
