"""Authorizers in the definitions of APIs: made, and which method or route is for whom."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from emulator.aws.stacks.open_api import DefinedMethod
from emulator.aws.stacks.resource_type import Call, ResourceProblem

_AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
_AUTH_TYPE: Final = "x-amazon-apigateway-authtype"
_KEY_HEADER: Final = "x-api-key"
_NOBODY: Final = "NONE"  # what SAM names where a method is for everybody
_V2: Final = {  # where CreateAuthorizer of HTTP APIs has another name
    "authorizerCredentials": "AuthorizerCredentialsArn",
    "type": "AuthorizerType",
}

Rights = dict[str, Mapping[str, Any]]
"""Members of PutMethod or CreateRoute by the name that definitions call them."""


def add_rest_authorizers(body: Mapping[str, Any], address: Mapping[str, Any], call: Call) -> Rights:
    """Make the authorizers of a REST API's definition."""

    def make(name: str, scheme: Mapping[str, Any]) -> Mapping[str, Any]:
        members = {**address, **scheme[_AUTHORIZER], "name": name}
        kind = members["type"] = str(members.get("type", "")).upper()
        if kind != "REQUEST":  # the header whose value it gets
            members.setdefault(
                "identitySource", f"method.request.header.{scheme.get('name', 'Authorization')}"
            )
        made = call("apigateway", "CreateAuthorizer", members)
        is_pool = kind == "COGNITO_USER_POOLS"
        return {
            "authorizationType": "COGNITO_USER_POOLS" if is_pool else "CUSTOM",
            "authorizerId": made["id"],
        }

    keys = {"apiKeyRequired": True}
    return dict(_rights(body, make, {"authorizationType": "AWS_IAM"}, keys))


def add_http_authorizers(body: Mapping[str, Any], address: Mapping[str, Any], call: Call) -> Rights:
    """Make the authorizers of an HTTP API's definition."""

    def make(name: str, scheme: Mapping[str, Any]) -> Mapping[str, Any]:
        defined = scheme[_AUTHORIZER]
        members = {_V2.get(key, key[:1].upper() + key[1:]): defined[key] for key in defined}
        kind = members["AuthorizerType"] = str(members.get("AuthorizerType", "")).upper()
        if isinstance(source := members.get("IdentitySource"), str):
            members["IdentitySource"] = [each.strip() for each in source.split(",")]
        made = call("apigatewayv2", "CreateAuthorizer", {**address, **members, "Name": name})
        authorization = "JWT" if kind == "JWT" else "CUSTOM"
        return {"AuthorizationType": authorization, "AuthorizerId": made["AuthorizerId"]}

    return dict(_rights(body, make, {"AuthorizationType": "AWS_IAM"}, None))


def required_rights(
    body: Mapping[str, Any], method: DefinedMethod, rights: Rights, scopes_member: str
) -> dict[str, Any]:
    """Members that say who may call a method; none: everybody. Raises ResourceProblem."""
    wanted = body.get("security") if method.security is None else method.security
    members: dict[str, Any] = {}
    for requirement in wanted or ():
        for name, scopes in requirement.items():
            if name == _NOBODY and name not in rights:
                continue
            if name not in rights:
                raise ResourceProblem(
                    f"The definition has no security scheme {name}, which {method.method}"
                    f" {method.path} needs."
                )
            members |= rights[name]
            if scopes:
                members[scopes_member] = scopes
    return members


def authorizer_ids(rights: Rights) -> list[str]:
    """Ids of the authorizers that were made, to be deleted with the definition."""
    return [
        str(value)
        for members in rights.values()
        for name, value in members.items()
        if name.lower() == "authorizerid"
    ]


def _rights(
    body: Mapping[str, Any],
    make: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
    signed: Mapping[str, Any],
    with_key: Mapping[str, Any] | None,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, scheme in _schemes(body).items():
        if _AUTHORIZER in scheme:
            yield name, make(name, scheme)
        elif str(scheme.get(_AUTH_TYPE)).lower() == "awssigv4":
            yield name, signed
        elif with_key is not None and str(scheme.get("name")).lower() == _KEY_HEADER:
            yield name, with_key
        else:
            raise ResourceProblem(
                f"The emulator's stacks do not take the security scheme {name} of a definition."
            )


def _schemes(body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    components = body.get("components") or {}
    return {
        **(components.get("securitySchemes") or {}),
        **(body.get("securityDefinitions") or {}),
    }
