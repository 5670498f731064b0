"""What an extension may subscribe to, and in which form it gets it: values in, values out.

Source: spec/runtime-api.md sections 5 and 6 (the Logs API, which the Telemetry API replaced).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

TYPES: Final = ("platform", "function", "extension")
RESERVED_PORT: Final = 9001  # of the Runtime API in AWS
_HOSTS: Final = ("sandbox", "sandbox.localdomain")  # the environment itself
_LARGEST_PORT: Final = 65_535


class TelemetryApi(Enum):
    """An API to subscribe with; the value begins its error types."""

    TELEMETRY = "Telemetry"
    LOGS = "Logs"


SCHEMAS: Final[Mapping[TelemetryApi, tuple[str, ...]]] = {
    TelemetryApi.TELEMETRY: ("2022-07-01", "2022-12-13", "2025-01-29"),
    TelemetryApi.LOGS: ("2020-08-15", "2021-03-18"),
}
_WITH_OBJECTS: Final = ("2022-12-13", "2025-01-29")  # JSON logs come as objects
_LOGS_WITH_RUNTIME_DONE: Final = "2021-03-18"
_ENDED: Final = ("Runtime.ExitError", "Runtime.OutOfMemory")  # the process has, unasked
_BUFFERING: Final = {  # lowest, highest, default
    "maxItems": (1_000, 10_000, 10_000),
    "maxBytes": (262_144, 1_048_576, 262_144),
    "timeoutMs": (25, 30_000, 1_000),
}


class Invalid(ValueError):
    """A subscription that cannot be accepted; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where deliveries go, on the environment's own address; no `method` means plain TCP."""

    port: int
    path: str = "/"
    host: str = _HOSTS[1]
    method: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What one extension wants, how much may be gathered before it is delivered, and where."""

    api: TelemetryApi
    schema: str
    types: tuple[str, ...]
    destination: Destination
    max_items: int
    max_bytes: int
    timeout_ms: int


def read_subscription(api: TelemetryApi, body: bytes) -> Subscription:
    """Read the body of a subscription; raises Invalid."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Invalid("the body must be an object")
    schema = content.get("schemaVersion")
    if schema not in SCHEMAS[api]:
        raise Invalid(f"schemaVersion must be one of {', '.join(SCHEMAS[api])}")
    gathered = content.get("buffering", {})
    if not isinstance(gathered, dict):
        raise Invalid("buffering must be an object")
    return Subscription(
        api=api,
        schema=schema,
        types=_types(content.get("types")),
        destination=_destination(content.get("destination")),
        max_items=_limit(gathered, "maxItems"),
        max_bytes=_limit(gathered, "maxBytes"),
        timeout_ms=_limit(gathered, "timeoutMs"),
    )


def deliverables(subscription: Subscription, event: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield what a subscriber gets of `{"time", "type", "record"}`: one JSON text, two or none."""
    kind, _, name = event["type"].partition(".")
    if kind not in subscription.types:
        return
    if kind != "platform":
        record = event["record"]
        if not isinstance(record, str) and subscription.schema not in _WITH_OBJECTS:
            event = {**event, "record": _compact(record)}
        yield _encoded(event)
    elif subscription.api is TelemetryApi.TELEMETRY:
        yield _encoded(event)
    else:
        for shaped in _as_logs(subscription, name, event):
            yield _encoded(shaped)


def _as_logs(
    subscription: Subscription, name: str, event: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield a platform event as the Logs API has it, which knows fewer of them."""
    record = event["record"]
    request = {"requestId": record.get("requestId")}
    if name == "start":
        yield {**event, "record": {**request, "version": record["version"]}}
    elif name == "runtimeDone":
        if record.get("errorType") in _ENDED:
            text = f"RequestId: {record['requestId']} Process exited before completing request"
            yield {**event, "type": "platform.fault", "record": text}
        if subscription.schema == _LOGS_WITH_RUNTIME_DONE:
            yield {**event, "record": {**request, "status": record["status"]}}
    elif name == "report":
        yield {**event, "type": "platform.end", "record": request}
        yield {**event, "record": {**request, "metrics": record["metrics"]}}
    elif name in ("extension", "logsSubscription", "logsDropped"):
        yield event


def _encoded(event: Mapping[str, Any]) -> bytes:
    # Half of a surrogate pair, which UTF-8 cannot hold, becomes an escape of JSON's.
    return _compact(event).encode("utf-8", "backslashreplace")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _types(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(each in TYPES for each in value):
        raise Invalid(f"types must be a list of some of {', '.join(TYPES)}")
    return tuple(dict.fromkeys(value))


def _limit(gathered: Mapping[str, Any], name: str) -> int:
    low, high, default = _BUFFERING[name]
    value = gathered.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Invalid(f"buffering.{name} must be a number from {low} to {high}")
    return value


def _destination(value: object) -> Destination:
    if not isinstance(value, dict):
        raise Invalid("destination must be an object")
    protocol = value.get("protocol")
    if protocol == "TCP":
        return Destination(port=_port(value.get("port")))
    if protocol != "HTTP":
        raise Invalid("destination.protocol must be HTTP or TCP")
    method = value.get("method", "POST")
    if method not in ("POST", "PUT"):
        raise Invalid("destination.method must be POST or PUT")
    if value.get("encoding", "JSON") != "JSON":
        raise Invalid("destination.encoding must be JSON")
    return _http(value.get("URI"), method)


def _http(uri: object, method: str) -> Destination:
    if not isinstance(uri, str) or not re.fullmatch(r"http://[!-~]+", uri):
        raise Invalid("destination.URI must be an http address")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(f"destination.URI: {error}") from None
    if host not in _HOSTS:
        raise Invalid(f"destination.URI must name the host {' or '.join(_HOSTS)}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(host=host, port=_port(port), path=path, method=method)


def _port(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST_PORT:
        raise Invalid(f"the destination's port must be a number from 1 to {_LARGEST_PORT}")
    if value == RESERVED_PORT:
        raise Invalid(f"the destination's port {RESERVED_PORT} is reserved")
    return value
