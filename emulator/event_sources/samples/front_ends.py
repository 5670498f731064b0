"""Samples of requests to APIs of API Gateway and to load balancers."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.http_api_snapshot import HttpApi
from emulator.aws.http_apis import HttpStage
from emulator.event_sources import load_balancer_events, payload_v1, payload_v2
from emulator.event_sources.api_gateway import websocket_events
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.samples import constants

_API: Final = "abcdef1234"
_CONNECTION: Final = "L0SM9cOFvHcCIhw="
_MESSAGE: Final = "L0SM9dPZPHcCIhw="
_ID: Final = "Hq3nUFrYPHcEJPg="


def _request(method: str, path: str, query: str, body: str) -> HttpRequest:
    headers = {"host": f"{_API}.execute-api.localhost:4566", "user-agent": "curl/8.5.0"}
    if body:
        headers["content-type"] = "application/json"
    return HttpRequest(
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=body.encode(),
        source_ip=constants.SOURCE_IP,
    )


def rest_request(
    *,
    method: str = "POST",
    path: str = "/orders/7",
    resource: str = "/orders/{id}",
    query: str = "name=Ada",
    body: str = '{"key1":"value1"}',
    stage: str = "dev",
    region: str = constants.REGION,
) -> dict[str, Any]:
    """A request to a REST API, by a proxy integration."""
    front = payload_v1.RestFront(
        account=constants.ACCOUNT,
        api_id=_API,
        region=region,
        deployment_id="d3pl0y",
        stage=stage,
        resource_id="r3s0rc",
        resource=resource,
        path_variables={"id": path.rpartition("/")[2]},
        stage_variables={},
        request_id=constants.REQUEST_ID,
        extended_request_id=_ID,
        now_s=constants.AT_S,
        identity={},
    )
    return payload_v1.build_event(_request(method, path, query, body), front, ())


def http_request(
    *,
    method: str = "POST",
    path: str = "/orders/7",
    route: str = "POST /orders/{id}",
    query: str = "name=Ada",
    body: str = '{"key1":"value1"}',
    region: str = constants.REGION,
) -> dict[str, Any]:
    """A request to an HTTP API, in payload version 2.0."""
    front = payload_v2.Front(
        account=constants.ACCOUNT,
        api_id=_API,
        domain=f"{_API}.execute-api.{region}.amazonaws.com",
        route_key=route,
        path_parameters={"id": path.rpartition("/")[2]},
    )
    return payload_v2.build_event(
        _request(method, path, query, body),
        front,
        request_id=constants.REQUEST_ID,
        now_s=constants.AT_S,
    )


def connect(*, query: str = "", stage: str = "dev") -> dict[str, Any]:
    """A client that connects to a WebSocket API."""
    opening = _opening(stage, query)
    return websocket_events.connect_event(opening, constants.REQUEST_ID, constants.AT_S)


def message(
    *, body: str = '{"action":"join"}', route: str = "join", stage: str = "dev"
) -> dict[str, Any]:
    """A message to a WebSocket API."""
    return websocket_events.message_event(
        _opening(stage, ""),
        route,
        body,
        message_id=_MESSAGE,
        request_id=constants.REQUEST_ID,
        now_s=constants.AT_S,
    )


def disconnect(*, code: int = 1000, reason: str = "", stage: str = "dev") -> dict[str, Any]:
    """A client that leaves a WebSocket API."""
    opening = _opening(stage, "")
    at_s = constants.AT_S
    return websocket_events.disconnect_event(opening, code, reason, constants.REQUEST_ID, at_s)


def balanced_request(
    *,
    method: str = "POST",
    path: str = "/orders/7",
    query: str = "name=Ada",
    body: str = '{"key1":"value1"}',
    multi_value: bool = False,
    region: str = constants.REGION,
) -> dict[str, Any]:
    """A request that a load balancer forwards."""
    where = f"arn:aws:elasticloadbalancing:{region}:{constants.ACCOUNT}"
    return load_balancer_events.build_event(
        _request(method, path, query, body),
        f"{where}:targetgroup/orders/0123456789abcdef",
        is_multi_value=multi_value,
    )


def _opening(stage: str, query: str) -> websocket_events.Opening:
    api = HttpApi(
        id=_API,
        account=constants.ACCOUNT,
        region=constants.REGION,
        protocol="WEBSOCKET",
        route_selection="$request.body.action",
        routes=(),
        cors=None,
    )
    return websocket_events.Opening(
        stage=HttpStage(api=api, name=stage, variables={}),
        connection_id=_CONNECTION,
        request=_request("GET", f"/{stage}", query, ""),
        domain=f"{_API}.execute-api.localhost:4566",
        connected_s=constants.AT_S,
    )


REST: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"request": rest_request}
HTTP: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"request": http_request}
WEBSOCKET: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "connect": connect,
    "message": message,
    "disconnect": disconnect,
}
BALANCER: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"request": balanced_request}
