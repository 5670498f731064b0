"""An HTTP or WebSocket API of API Gateway as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteIntegration:
    """What a route does."""

    id: str
    kind: str  # AWS_PROXY, HTTP_PROXY; for WebSocket APIs AWS, HTTP and MOCK, too
    subtype: str | None  # an action of another service
    uri: str
    method: str
    payload_version: str  # 1.0 or 2.0
    timeout_s: float
    request_parameters: Mapping[str, str]
    response_parameters: Mapping[str, Mapping[str, str]]  # by status


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteAuthorizer:
    """Who decides about a request."""

    id: str
    kind: str  # REQUEST or JWT
    uri: str
    identity_source: tuple[str, ...]
    payload_version: str
    is_simple: bool  # answers `isAuthorized` instead of a policy
    ttl_s: float
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One route."""

    key: str  # `GET /orders/{id}`, `$default`, `$connect`, the name of a message's action
    authorization: str  # NONE, AWS_IAM, CUSTOM or JWT
    authorizer: RouteAuthorizer | None
    scopes: tuple[str, ...]
    integration: RouteIntegration | None
    answers: bool  # a WebSocket route with a route response


@dataclass(frozen=True, kw_only=True, slots=True)
class Cors:
    """What pages of other origins may do; names as given."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    with_credentials: bool
    max_age_s: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpApi:
    """An API, as it is or as a deployment has it."""

    id: str
    account: str
    region: str
    protocol: str  # HTTP or WEBSOCKET
    route_selection: str
    routes: tuple[Route, ...]
    cors: Cors | None


def snapshot(api: Any) -> HttpApi:
    """The API as it is now; the lock of API Gateway must be held."""
    backend = api.backend
    return HttpApi(
        id=api.api_id,
        account=backend.account_id,
        region=backend.region_name,
        protocol=api.protocol_type,
        route_selection=api.route_selection_expression,
        routes=tuple(_route(api, route) for route in api.routes.values()),
        cors=_cors(api.cors_configuration) if api.cors_configuration else None,
    )


def _route(api: Any, route: Any) -> Route:
    target = (route.target or "").removeprefix("integrations/")
    integration = api.integrations.get(target)
    authorizer = api.authorizers.get(route.authorizer_id)
    return Route(
        key=route.route_key,
        authorization=route.authorization_type or "NONE",
        authorizer=_authorizer(authorizer) if authorizer else None,
        scopes=tuple(route.authorization_scopes or ()),
        integration=_integration(integration) if integration else None,
        answers=bool(route.route_responses or route.route_response_selection_expression),
    )


def _integration(integration: Any) -> RouteIntegration:
    return RouteIntegration(
        id=integration.id,
        kind=integration.integration_type,
        subtype=integration.integration_subtype or None,
        uri=integration.integration_uri or "",
        method=integration.integration_method or "ANY",
        payload_version=integration.payload_format_version or "1.0",
        timeout_s=float(integration.timeout_in_millis or 30_000) / 1000,
        request_parameters=dict(integration.request_parameters or {}),
        response_parameters={
            str(status): dict(parameters)
            for status, parameters in (integration.response_parameters or {}).items()
        },
    )


def _authorizer(authorizer: Any) -> RouteAuthorizer:
    jwt = authorizer.jwt_config or {}
    sources = authorizer.identity_source or ()
    return RouteAuthorizer(
        id=authorizer.id,
        kind=authorizer.authorizer_type,
        uri=authorizer.authorizer_uri or "",
        identity_source=(sources,) if isinstance(sources, str) else tuple(sources),
        payload_version=authorizer.auth_payload_format_version or "1.0",
        is_simple=bool(authorizer.enable_simple_response),
        ttl_s=float(authorizer.auth_result_ttl or 0),
        issuer=jwt.get("issuer", "").rstrip("/"),
        audience=tuple(jwt.get("audience") or ()),
    )


def _cors(made: Mapping[str, Any]) -> Cors:
    return Cors(
        origins=tuple(made.get("allowOrigins") or ()),
        methods=tuple(made.get("allowMethods") or ()),
        headers=tuple(made.get("allowHeaders") or ()),
        exposed=tuple(made.get("exposeHeaders") or ()),
        with_credentials=bool(made.get("allowCredentials")),
        max_age_s=made.get("maxAge"),
    )
