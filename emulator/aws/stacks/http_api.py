"""The types of HTTP and WebSocket APIs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.authorizers import (
    Rights,
    add_http_authorizers,
    authorizer_ids,
    required_rights,
)
from emulator.aws.stacks.open_api import methods_of, title_of
from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceType,
    Wish,
    changed,
    require,
    unless_gone,
)

_SERVICE: Final = "apigatewayv2"
_AUTHORIZERS: Final = "authorizers"  # an attribute for us alone: ids of those of the definition
_CORS: Final = "x-amazon-apigateway-cors"
_INTEGRATION: Final = {  # what CreateIntegration does not call as definitions do
    "credentials": "CredentialsArn",
    "httpMethod": "IntegrationMethod",
    "type": "IntegrationType",
    "uri": "IntegrationUri",
}
_LATER: Final = frozenset({"Body", "BasePath", "FailOnWarnings"})  # not of CreateApi


@dataclass(frozen=True, slots=True)
class HttpApiType(Kind):
    """Implements ResourceType."""

    service: str = _SERVICE
    delete_with: str = "DeleteApi"
    name_property: str = "Name"
    name_length: int = 128
    attributes: frozenset[str] = frozenset({"ApiEndpoint", "ApiId"})
    # A WebSocket API does not become one of HTTP.
    replaced_by: frozenset[str] = frozenset({"ProtocolType"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the API and all routes of its definition."""
        body = wish.properties.get("Body") or {}
        if not body:
            require(wish.properties, "Name", "ProtocolType")
        members = _members(wish.properties)
        members["Name"] = wish.properties.get("Name") or title_of(body, wish.name)
        members.setdefault("ProtocolType", "HTTP")
        answer = call(_SERVICE, "CreateApi", members)
        identity = answer["ApiId"]
        endpoint = answer["ApiEndpoint"]
        attributes = {"ApiEndpoint": endpoint, "ApiId": identity, _AUTHORIZERS: []}
        address = {"ApiId": identity}
        made = Made(physical_id=identity, attributes=attributes, address=address)
        note(made)
        return _with_routes(made, body, call)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change the API; its routes become those of the definition."""
        members = _members(wish.properties)
        for at_creation in ("ProtocolType", "Tags"):
            members.pop(at_creation, None)
        if "CorsConfiguration" in _members(old).keys() - members:
            call(_SERVICE, "DeleteCorsConfiguration", made.address)
        if members:
            call(_SERVICE, "UpdateApi", {**members, **made.address})
        if "Body" in changed(old, wish.properties):
            for kind in ("Route", "Integration"):
                for each in call(_SERVICE, f"Get{kind}s", made.address)["Items"]:
                    where = {**made.address, f"{kind}Id": each[f"{kind}Id"]}
                    call(_SERVICE, f"Delete{kind}", where)
            for identity in made.attributes[_AUTHORIZERS]:
                with unless_gone():  # where a change failed half-way
                    call(_SERVICE, "DeleteAuthorizer", {**made.address, "AuthorizerId": identity})
            return _with_routes(made, wish.properties.get("Body") or {}, call)
        return made


def _members(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What the API itself is told; a definition spells the names of CORS with small letters."""
    members = {name: each for name, each in properties.items() if name not in _LATER}
    if cors := (properties.get("Body") or {}).get(_CORS):
        members["CorsConfiguration"] = {name[:1].upper() + name[1:]: cors[name] for name in cors}
    return members


def _with_routes(made: Made, body: Mapping[str, Any], call: Call) -> Made:
    """Make the routes and authorizers of a definition; the API that knows its authorizers."""
    rights = add_http_authorizers(body, made.address, call)
    _add_routes(body, rights, made.address, call)
    return replace(made, attributes={**made.attributes, _AUTHORIZERS: authorizer_ids(rights)})


def _add_routes(
    body: Mapping[str, Any], rights: Rights, address: Mapping[str, Any], call: Call
) -> None:
    for method in methods_of(body):
        route = "$default" if method.is_default else f"{method.method} {method.path}"
        required = required_rights(body, method, rights, "AuthorizationScopes")
        members: dict[str, Any] = {**address, **required, "RouteKey": route}
        if method.integration is not None:
            members["Target"] = _add_integration(method.integration, address, call)
        call(_SERVICE, "CreateRoute", members)


def _add_integration(defined: Mapping[str, Any], address: Mapping[str, Any], call: Call) -> str:
    """Make an integration of a definition; returns the target of its route."""
    members = {
        "IntegrationMethod": "POST",
        "IntegrationUri": "",
        "PayloadFormatVersion": "2.0",
        **{_INTEGRATION.get(name, name[:1].upper() + name[1:]): defined[name] for name in defined},
    }
    members["IntegrationType"] = str(members.get("IntegrationType", "")).upper()
    made = call(_SERVICE, "CreateIntegration", {**address, **members})
    return f"integrations/{made['IntegrationId']}"


def _known_by(name: str) -> Callable[[Wish, Members, Answer], Made]:
    def made(_: Wish, members: Members, answer: Answer) -> Made:
        identity = answer[name]
        address = {"ApiId": members["ApiId"], name: identity}
        return Made(physical_id=identity, attributes={name: identity}, address=address)

    return made


def _part(kind: str, *required: str, name_property: str = "") -> ApiType:
    """A type of what belongs to an API."""
    identity = name_property or f"{kind}Id"
    return ApiType(
        service=_SERVICE,
        create_with=f"Create{kind}",
        update_with=f"Update{kind}",
        delete_with=f"Delete{kind}",
        required=("ApiId", *required),
        replaced_by=frozenset({"ApiId", *([name_property] if name_property else [])}),
        name_property=name_property,
        only_at_creation=frozenset({"Tags"}),
        made=_known_by(identity),
        attributes=frozenset({identity}),
    )


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::ApiGatewayV2::Api": HttpApiType(),
    "AWS::ApiGatewayV2::Authorizer": _part("Authorizer", "AuthorizerType", "Name"),
    "AWS::ApiGatewayV2::Deployment": _part("Deployment"),
    "AWS::ApiGatewayV2::Integration": _part("Integration", "IntegrationType"),
    "AWS::ApiGatewayV2::Route": _part("Route", "RouteKey"),
    "AWS::ApiGatewayV2::Stage": _part("Stage", "StageName", name_property="StageName"),
}
