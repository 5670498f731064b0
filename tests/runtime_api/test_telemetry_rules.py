"""Subscriptions of the Telemetry and Logs API, and the form of what they get."""

import json
from typing import Any

import pytest

from emulator.runtime_api.telemetry_rules import (
    Destination,
    Invalid,
    TelemetryApi,
    deliverables,
    read_subscription,
)

TELEMETRY, LOGS = TelemetryApi.TELEMETRY, TelemetryApi.LOGS
HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}
GOOD: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": HTTP,
}


def body(**changes: Any) -> bytes:
    content = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return json.dumps(content).encode()


def test_a_subscription_is_read_with_its_defaults() -> None:
    read = read_subscription(TELEMETRY, body())
    assert (read.schema, read.types) == ("2022-12-13", ("platform", "function"))
    assert (read.max_items, read.max_bytes, read.timeout_ms) == (10_000, 262_144, 1_000)
    assert read.destination == Destination(port=8080, method="POST")


DESTINATIONS = [
    (
        {"protocol": "HTTP", "URI": "http://sandbox:4243/in/here?a=1", "method": "PUT"},
        Destination(host="sandbox", port=4243, path="/in/here?a=1", method="PUT"),
    ),
    ({"protocol": "TCP", "port": 1234}, Destination(port=1234)),
]


@pytest.mark.parametrize(("given", "expected"), DESTINATIONS)
def test_a_destination_is_http_or_tcp(given: dict[str, Any], expected: Destination) -> None:
    assert read_subscription(TELEMETRY, body(destination=given)).destination == expected


def test_buffering_keeps_what_is_given() -> None:
    given = {"maxItems": 1_000, "maxBytes": 1_048_576, "timeoutMs": 25}
    read = read_subscription(TELEMETRY, body(buffering=given))
    assert (read.max_items, read.max_bytes, read.timeout_ms) == (1_000, 1_048_576, 25)


MISTAKES = [
    ({"schemaVersion": None}, "schemaVersion must be one of 2022-07-01, 2022-12-13, 2025-01-29"),
    ({"schemaVersion": "2020-08-15"}, "schemaVersion must be one of"),
    ({"types": None}, "types must be a list"),
    ({"types": []}, "types must be a list"),
    ({"types": ["platform", "all"]}, "types must be a list"),
    ({"buffering": [1]}, "buffering must be an object"),
    ({"buffering": {"maxItems": 999}}, "buffering.maxItems must be a number from 1000 to 10000"),
    ({"buffering": {"maxBytes": 2**21}}, "buffering.maxBytes"),
    ({"buffering": {"timeoutMs": 24}}, "buffering.timeoutMs"),
    ({"buffering": {"timeoutMs": "100"}}, "buffering.timeoutMs"),
    ({"buffering": {"timeoutMs": True}}, "buffering.timeoutMs"),
    ({"destination": None}, "destination must be an object"),
    ({"destination": {"protocol": "UDP"}}, "destination.protocol"),
    ({"destination": {"protocol": "TCP"}}, "the destination's port"),
    ({"destination": {"protocol": "TCP", "port": 70_000}}, "the destination's port"),
    ({"destination": {"protocol": "TCP", "port": 9001}}, "the destination's port 9001 is reserved"),
    ({"destination": HTTP | {"URI": "http://sandbox:9001"}}, "the destination's port 9001"),
    ({"destination": HTTP | {"URI": "http://sandbox"}}, "the destination's port"),
    (
        {"destination": HTTP | {"URI": "http://example.com:80"}},
        "destination.URI must name the host",
    ),
    ({"destination": HTTP | {"URI": "https://sandbox:80"}}, "destination.URI must be an http"),
    ({"destination": HTTP | {"URI": "http://sandbox:80/a b"}}, "destination.URI must be an http"),
    ({"destination": HTTP | {"URI": "http://sandbox:x"}}, "destination.URI: "),
    ({"destination": HTTP | {"URI": 1}}, "destination.URI must be an http"),
    ({"destination": HTTP | {"method": "GET"}}, "destination.method"),
    ({"destination": HTTP | {"encoding": "XML"}}, "destination.encoding"),
]


@pytest.mark.parametrize(("changes", "text"), MISTAKES)
def test_a_subscription_that_means_nothing_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_subscription(TELEMETRY, body(**changes))
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        read_subscription(TELEMETRY, content)


def got(event: dict[str, Any], *, api: TelemetryApi = TELEMETRY, **changes: Any) -> list[Any]:
    subscription = read_subscription(api, body(**changes))
    return [json.loads(text) for text in deliverables(subscription, event)]


def event(kind: str, record: Any) -> dict[str, Any]:
    return {"time": "2026-11-22T10:00:00.000Z", "type": kind, "record": record}


def test_a_subscriber_gets_the_types_it_asked_for() -> None:
    assert got(event("platform.start", {})) == [event("platform.start", {})]
    assert got(event("function", "é")) == [event("function", "é")]
    assert got(event("extension", "x")) == []


OBJECTS = [("2022-07-01", '{"a":1}'), ("2022-12-13", {"a": 1}), ("2025-01-29", {"a": 1})]


@pytest.mark.parametrize(("schema", "record"), OBJECTS)
def test_json_logs_come_as_objects_from_the_second_schema_on(schema: str, record: Any) -> None:
    [found] = got(event("function", {"a": 1}), schemaVersion=schema)
    assert found["record"] == record


def test_half_of_a_surrogate_pair_is_delivered_as_an_escape() -> None:
    assert got(event("function", "\ud800"))[0]["record"] == "\ud800"


METRICS = {"durationMs": 1}
REQUEST = {"requestId": "r"}
DONE = REQUEST | {"status": "success", "metrics": METRICS}
IN_LOGS: list[tuple[str, Any, list[tuple[str, Any]]]] = [
    (
        "platform.start",
        REQUEST | {"version": "7", "tracing": {}},
        [("platform.start", REQUEST | {"version": "7"})],
    ),
    (
        "platform.report",
        DONE,
        [("platform.end", REQUEST), ("platform.report", REQUEST | {"metrics": METRICS})],
    ),
    ("platform.runtimeDone", DONE, [("platform.runtimeDone", REQUEST | {"status": "success"})]),
    ("platform.extension", {"name": "e"}, [("platform.extension", {"name": "e"})]),
    ("platform.initStart", {"phase": "init"}, []),
]


def test_the_logs_api_tells_of_a_process_that_exited() -> None:
    record = REQUEST | {"status": "error", "errorType": "Runtime.ExitError"}
    fault, done = got(event("platform.runtimeDone", record), api=LOGS, schemaVersion="2021-03-18")
    text = "RequestId: r Process exited before completing request"
    assert fault == event("platform.fault", text)
    assert done["type"] == "platform.runtimeDone"


@pytest.mark.parametrize(("kind", "record", "expected"), IN_LOGS)
def test_the_logs_api_has_fewer_events_and_others(
    kind: str, record: Any, expected: list[tuple[str, Any]]
) -> None:
    newest = got(event(kind, record), api=LOGS, schemaVersion="2021-03-18")
    assert newest == [event(*each) for each in expected]
    first = got(event(kind, record), api=LOGS, schemaVersion="2020-08-15")
    assert first == ([] if kind == "platform.runtimeDone" else newest)
