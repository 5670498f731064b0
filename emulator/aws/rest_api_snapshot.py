"""A REST API of API Gateway as a value, made when it is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegrationResponse:
    """How one kind of a back end's answer becomes the client's."""

    status: int
    selection_pattern: str | None  # None: the default
    parameters: Mapping[str, str]
    templates: Mapping[str, str]  # by media type
    content_handling: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Integration:
    """What a method does."""

    kind: str  # AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK
    uri: str
    http_method: str
    timeout_s: float
    passthrough: str  # WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER
    request_parameters: Mapping[str, str]
    request_templates: Mapping[str, str]  # by media type
    content_handling: str | None
    responses: tuple[IntegrationResponse, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RestAuthorizer:
    """Who decides about a request."""

    id: str
    kind: str  # TOKEN, REQUEST or COGNITO_USER_POOLS
    uri: str
    identity_source: tuple[str, ...]
    validation: str | None  # a regular expression for the token
    ttl_s: float
    pools: tuple[str, ...]  # ARNs of user pools


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method of a resource."""

    http_method: str  # or ANY
    authorization: str  # NONE, AWS_IAM, CUSTOM or COGNITO_USER_POOLS
    authorizer: RestAuthorizer | None
    scopes: tuple[str, ...]
    needs_api_key: bool
    required_parameters: tuple[str, ...]  # `method.request.header.X`; empty: not checked
    body_schemas: Mapping[str, str]  # JSON schema by media type; empty: not checked
    integration: Integration | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One path of an API."""

    id: str
    path: str  # `/orders/{id}`
    methods: Mapping[str, Method]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayResponse:
    """What an API says instead of API Gateway's own error."""

    status: int | None
    parameters: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RestApi:
    """An API as one deployment has it."""

    id: str
    account: str
    region: str
    binary_media_types: tuple[str, ...]
    key_source: str  # HEADER or AUTHORIZER
    resources: tuple[Resource, ...]
    gateway_responses: Mapping[str, GatewayResponse]


def snapshot(api: Any) -> RestApi:
    """The API as it is now; the lock of API Gateway must be held."""
    return RestApi(
        id=api.id,
        account=api.account_id,
        region=api.region_name,
        binary_media_types=tuple(api.binaryMediaTypes),
        key_source=api.api_key_source,
        resources=tuple(
            Resource(
                id=resource.id,
                path=resource.get_path(),
                methods={
                    name: _method(api, method) for name, method in resource.resource_methods.items()
                },
            )
            for resource in api.resources.values()
        ),
        gateway_responses={
            kind: GatewayResponse(
                status=int(made.status_code) if made.status_code else None,
                parameters=dict(made.response_parameters or {}),
                templates=dict(made.response_templates or {}),
            )
            for kind, made in api.gateway_responses.items()
        },
    )


def _method(api: Any, method: Any) -> Method:
    validator = api.request_validators.get(method.request_validator_id)
    authorizer = api.authorizers.get(method.authorizer_id)
    parameters = method.request_parameters or {}
    models = method.request_models or {}
    return Method(
        http_method=method.http_method,
        authorization=method.authorization_type or "NONE",
        authorizer=_authorizer(authorizer) if authorizer else None,
        scopes=tuple(method.authorization_scopes or ()),
        needs_api_key=_is_true(method.api_key_required),
        required_parameters=tuple(name for name, needed in parameters.items() if _is_true(needed))
        if validator and _is_true(validator.validate_request_parameters)
        else (),
        body_schemas={
            kind: api.models[name].schema for kind, name in models.items() if name in api.models
        }
        if validator and _is_true(validator.validate_request_body)
        else {},
        integration=_integration(method.method_integration) if method.method_integration else None,
    )


def _authorizer(authorizer: Any) -> RestAuthorizer:
    sources = (authorizer.identity_source or "").split(",")
    ttl_s = authorizer.authorizer_result_ttl
    return RestAuthorizer(
        id=authorizer.id,
        kind=authorizer.type,
        uri=authorizer.authorizer_uri or "",
        identity_source=tuple(source.strip() for source in sources if source.strip()),
        validation=authorizer.identity_validation_expression or None,
        ttl_s=300.0 if ttl_s is None else float(ttl_s),
        pools=tuple(authorizer.provider_arns or ()),
    )


def _integration(integration: Any) -> Integration:
    return Integration(
        kind=integration.integration_type,
        uri=integration.uri or "",
        http_method=integration.http_method or "",
        timeout_s=float(integration.timeout_in_millis or 29_000) / 1000,
        passthrough=integration.passthrough_behaviour or "WHEN_NO_MATCH",
        request_parameters=dict(integration.request_parameters or {}),
        request_templates=_templates(integration.request_templates),
        content_handling=integration.content_handling,
        responses=tuple(
            IntegrationResponse(
                status=int(made.status_code),
                selection_pattern=made.selection_pattern or None,
                parameters=dict(made.response_parameters or {}),
                templates=_templates(made.response_templates),
                content_handling=made.content_handling,
            )
            for made in (integration.integration_responses or {}).values()
        ),
    )


def _templates(templates: Mapping[str, str | None] | None) -> Mapping[str, str]:
    return {kind.lower(): text or "" for kind, text in (templates or {}).items()}


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
