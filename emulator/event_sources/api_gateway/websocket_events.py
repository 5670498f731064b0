"""Events of WebSocket APIs, and which route a message takes.

Source: spec/events.md section 7.4.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulator.aws.http_apis import HttpStage
from emulator.event_sources.api_gateway.templates import find_in_json
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.payload_v1 import grouped_query, named_headers
from emulator.event_sources.payload_v2 import clf_time

CONNECT: Final = "$connect"
DISCONNECT: Final = "$disconnect"
DEFAULT: Final = "$default"
_EVENT_TYPES: Final[Mapping[str, str]] = {CONNECT: "CONNECT", DISCONNECT: "DISCONNECT"}
_BODY: Final = "$request.body"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What all events of one connection have in common."""

    stage: HttpStage
    connection_id: str
    request: HttpRequest  # the handshake's
    domain: str  # with the port of @connections
    connected_s: float  # seconds since the epoch
    authorizer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def api_arn(self) -> str:
        """The API, as source ARNs name it."""
        api = self.stage.api
        return f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}"

    def route_arn(self, route_key: str) -> str:
        """What a function's policy, or an authorizer's, has to allow."""
        return f"{self.api_arn}/{self.stage.name}/{route_key}"


def context(opening: Opening, route_key: str, request_id: str, now_s: float) -> dict[str, Any]:
    """The `requestContext` but for what belongs to one type of event."""
    request = opening.request
    made: dict[str, Any] = {
        "routeKey": route_key,
        "eventType": _EVENT_TYPES.get(route_key, "MESSAGE"),
        "extendedRequestId": request_id,
        "requestTime": clf_time(now_s),
        "messageDirection": "IN",
        "stage": opening.stage.name,
        "connectedAt": int(opening.connected_s * 1000),
        "requestTimeEpoch": int(now_s * 1000),
        "identity": {
            "userAgent": request.headers.get("user-agent"),
            "sourceIp": request.source_ip,
        },
        "requestId": request_id,
        "domainName": opening.domain,
        "connectionId": opening.connection_id,
        "apiId": opening.stage.api.id,
    }
    return made | ({"authorizer": dict(opening.authorizer)} if opening.authorizer else {})


def connect_event(opening: Opening, request_id: str, now_s: float) -> dict[str, Any]:
    """The event of `$connect`."""
    query = grouped_query(opening.request.query)
    event = _handshake(opening)
    if query:
        event["queryStringParameters"] = {name: texts[-1] for name, texts in query.items()}
        event["multiValueQueryStringParameters"] = query
    event |= _variables(opening)
    event["requestContext"] = context(opening, CONNECT, request_id, now_s)
    return event | {"isBase64Encoded": False}


def message_event(
    opening: Opening, route_key: str, text: str, *, message_id: str, request_id: str, now_s: float
) -> dict[str, Any]:
    """The event of a message."""
    shared = context(opening, route_key, request_id, now_s)
    return {
        **_variables(opening),
        "requestContext": {"messageId": message_id, **shared},
        "body": text,
        "isBase64Encoded": False,
    }


def disconnect_event(
    opening: Opening, code: int, reason: str, request_id: str, now_s: float
) -> dict[str, Any]:
    """The event of `$disconnect`."""
    shared = context(opening, DISCONNECT, request_id, now_s)
    return {
        **_handshake(opening),
        **_variables(opening),
        "requestContext": {
            **shared,
            "disconnectStatusCode": code,
            "disconnectReason": reason,
        },
        "isBase64Encoded": False,
    }


def authorizer_event(opening: Opening, request_id: str, now_s: float) -> dict[str, Any]:
    """The event of an authorizer of `$connect`."""
    event = connect_event(opening, request_id, now_s)
    del event["isBase64Encoded"]
    return {"type": "REQUEST", "methodArn": opening.route_arn(CONNECT), **event}


def select_route(expression: str, text: str) -> str:
    """The route key that a message names by the API's selection expression; DEFAULT: none.

    expression: `$request.body.action`, or such in `${…}` with text around it.
    """
    path = expression.strip().removeprefix("${").removesuffix("}").removeprefix("$")
    path = f"${path}"
    if not path.startswith(f"{_BODY}."):
        return DEFAULT
    try:
        json.loads(text)
    except ValueError:
        return DEFAULT
    found = find_in_json(text, f"$.{path.removeprefix(_BODY + '.')}")
    return DEFAULT if found is None or isinstance(found, dict | list) else str(found)


def identity_value(opening: Opening, source: str) -> str | None:
    """What an identity source (`route.request.header.X`) of the handshake stands for."""
    kind, _, name = source.removeprefix("route.request.").partition(".")
    if kind == "header":
        return opening.request.headers.get(name.lower())
    if kind == "querystring":
        texts = grouped_query(opening.request.query).get(name)
        return texts[-1] if texts else None
    if source.startswith("stageVariables."):
        return opening.stage.variables.get(source.partition(".")[2])
    return None


def _handshake(opening: Opening) -> dict[str, Any]:
    headers = named_headers(opening.request)
    many = {name: [text] for name, text in headers.items()}
    return {"headers": headers, "multiValueHeaders": many}


def _variables(opening: Opening) -> dict[str, Any]:
    variables = dict(opening.stage.variables)
    return {"stageVariables": variables} if variables else {}
