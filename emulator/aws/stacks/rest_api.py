"""The types of REST APIs that moto makes without what a template says of them, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from typing_extensions import override

from emulator.aws.stacks.authorizers import (
    Rights,
    add_rest_authorizers,
    authorizer_ids,
    required_rights,
)
from emulator.aws.stacks.open_api import DefinedMethod, methods_of, title_of
from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    ResourceType,
    Wish,
    changed,
    require,
    unless_gone,
)

_SERVICE: Final = "apigateway"
_AUTHORIZERS: Final = "authorizers"  # an attribute for us alone: ids of those of the definition
_BINARY: Final = "x-amazon-apigateway-binary-media-types"
_GATEWAY_RESPONSES: Final = "x-amazon-apigateway-gateway-responses"
_LATER: Final = frozenset({"Body", "Mode", "FailOnWarnings", "Tags"})  # not of CreateRestApi


@dataclass(frozen=True, slots=True)
class RestApiType(Kind):
    """Implements ResourceType."""

    service: str = _SERVICE
    delete_with: str = "DeleteRestApi"
    name_property: str = "Name"
    name_length: int = 128
    attributes: frozenset[str] = frozenset({"RestApiId", "RootResourceId"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the API and all methods of its definition."""
        body = wish.properties.get("Body") or {}
        members = {name: each for name, each in wish.properties.items() if name not in _LATER}
        members["Name"] = wish.properties.get("Name") or title_of(body, wish.name)
        if _BINARY in body:
            members.setdefault("BinaryMediaTypes", body[_BINARY])
        identity = call(_SERVICE, "CreateRestApi", members)["id"]
        address = {"restApiId": identity}
        root = _resources(call, address)["/"]
        attributes = {"RestApiId": identity, "RootResourceId": root, _AUTHORIZERS: []}
        made = Made(physical_id=identity, attributes=attributes, address=address)
        note(made)
        return _with_methods(made, body, call)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Bring the methods to what the definition says now."""
        if others := sorted(changed(old, wish.properties) - {"Body"}):
            raise ResourceProblem(
                f"The emulator cannot change {', '.join(others)} of a REST API that exists."
            )
        new, before = wish.properties.get("Body") or {}, old.get("Body") or {}
        if new.get(_BINARY) != before.get(_BINARY):
            raise ResourceProblem(
                "The emulator cannot change the binary media types of a REST API that exists."
            )
        _remove_methods(before, made, call)
        return _with_methods(made, new, call)


def _resources(call: Call, address: Mapping[str, Any]) -> dict[str, str]:
    """Ids of an API's resources by their paths."""
    found = call(_SERVICE, "GetResources", {**address, "limit": 500})["items"]
    return {each["path"]: each["id"] for each in found}


def _remove_methods(body: Mapping[str, Any], made: Made, call: Call) -> None:
    """Remove what `_with_methods` has made of a definition."""
    known = _resources(call, made.address)
    for path in sorted(known, reverse=True):  # what is below goes first
        if path != "/":
            call(_SERVICE, "DeleteResource", {**made.address, "resourceId": known[path]})
    for method in methods_of(body):
        if method.path == "/":
            where = {"resourceId": known["/"], "httpMethod": method.method}
            call(_SERVICE, "DeleteMethod", {**made.address, **where})
    for kind in body.get(_GATEWAY_RESPONSES) or {}:
        with unless_gone():  # where a change failed half-way
            call(_SERVICE, "DeleteGatewayResponse", {**made.address, "responseType": kind})
    for identity in made.attributes[_AUTHORIZERS]:
        with unless_gone():
            call(_SERVICE, "DeleteAuthorizer", {**made.address, "authorizerId": identity})


def _with_methods(made: Made, body: Mapping[str, Any], call: Call) -> Made:
    """Make the methods and authorizers of a definition; the API that knows its authorizers."""
    rights = add_rest_authorizers(body, made.address, call)
    _add_methods(body, rights, made.address, call)
    for kind, response in (body.get(_GATEWAY_RESPONSES) or {}).items():
        call(_SERVICE, "PutGatewayResponse", {**made.address, **response, "responseType": kind})
    return replace(made, attributes={**made.attributes, _AUTHORIZERS: authorizer_ids(rights)})


def _add_methods(
    body: Mapping[str, Any], rights: Rights, address: Mapping[str, Any], call: Call
) -> None:
    known = _resources(call, address)
    for method in methods_of(body):
        path = ""
        for part in method.path.strip("/").split("/"):
            above, path = path or "/", f"{path}/{part}"
            if part and path not in known:
                members = {**address, "parentId": known[above], "pathPart": part}
                known[path] = call(_SERVICE, "CreateResource", members)["id"]
        where = {**address, "resourceId": known[method.path.rstrip("/") or "/"]}
        required = required_rights(body, method, rights, "authorizationScopes")
        _add_method(method, {**where, "httpMethod": method.method}, required, call)


def _add_method(
    method: DefinedMethod, where: Mapping[str, Any], required: Mapping[str, Any], call: Call
) -> None:
    call(_SERVICE, "PutMethod", {**where, "authorizationType": "NONE", **required})
    for status in method.responses:
        call(_SERVICE, "PutMethodResponse", {**where, "statusCode": status})
    if method.integration is None:
        return
    integration = dict(method.integration)
    responses = integration.pop("responses", {})
    members = {
        **{name: each for name, each in integration.items() if name != "httpMethod"},
        "type": str(integration.get("type", "")).upper(),
    }
    if "httpMethod" in integration:
        members["integrationHttpMethod"] = integration["httpMethod"]
    call(_SERVICE, "PutIntegration", {**where, **members})
    for pattern, response in responses.items():
        pattern = {} if pattern == "default" else {"selectionPattern": pattern}
        call(_SERVICE, "PutIntegrationResponse", {**where, **pattern, **response})


@dataclass(frozen=True, slots=True)
class StageType(Kind):
    """Implements ResourceType."""

    service: str = _SERVICE
    delete_with: str = "DeleteStage"
    name_property: str = "StageName"
    name_length: int = 128
    replaced_by: frozenset[str] = frozenset({"RestApiId", "StageName"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the stage."""
        members = {
            **{name: each for name, each in wish.properties.items() if name != "Tags"},
            "StageName": wish.name,
        }
        call(_SERVICE, "CreateStage", members)
        address = {"restApiId": members["RestApiId"], "stageName": wish.name}
        return Made(physical_id=wish.name, attributes={}, address=address)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Show another deployment, under other variables."""
        if others := sorted(
            changed(old, wish.properties) - {"DeploymentId", "Description", "Tags", "Variables"}
        ):
            raise ResourceProblem(
                f"The emulator cannot change {', '.join(others)} of a stage that exists."
            )
        new = {
            "/deploymentId": wish.properties.get("DeploymentId"),
            "/description": wish.properties.get("Description"),
            **{f"/variables/{k}": v for k, v in (wish.properties.get("Variables") or {}).items()},
        }
        patch = [
            {"op": "replace", "path": path, "value": value}
            for path, value in new.items()
            if value is not None
        ]
        call(_SERVICE, "UpdateStage", {**made.address, "patchOperations": patch})
        return made


@dataclass(frozen=True, slots=True)
class DeploymentType(Kind):
    """Implements ResourceType."""

    name_length: int = 128
    attributes: frozenset[str] = frozenset({"DeploymentId"})

    @override
    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """A deployment never changes."""
        return True

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Deploy the API, and to a stage if one is named."""
        require(wish.properties, "RestApiId")
        answer = call(_SERVICE, "CreateDeployment", wish.properties)
        address = {"restApiId": wish.properties["RestApiId"], "deploymentId": answer["id"]}
        attributes = {"DeploymentId": answer["id"], "stage": wish.properties.get("StageName")}
        return Made(physical_id=answer["id"], attributes=attributes, address=address)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Never called: every change replaces a deployment."""
        raise ResourceProblem("A deployment cannot be changed.")

    @override
    def delete(self, made: Made, call: Call) -> None:
        """Delete the deployment, and the stage it was made with unless that moved on."""
        with unless_gone():
            if made.attributes["stage"]:
                api = {"restApiId": made.address["restApiId"]}
                for stage in call(_SERVICE, "GetStages", api)["item"]:
                    if (
                        stage["stageName"] == made.attributes["stage"]
                        and stage["deploymentId"] == made.physical_id
                    ):
                        call(_SERVICE, "DeleteStage", {**api, "stageName": stage["stageName"]})
            call(_SERVICE, "DeleteDeployment", made.address)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::ApiGateway::Deployment": DeploymentType(),
    "AWS::ApiGateway::RestApi": RestApiType(),
    "AWS::ApiGateway::Stage": StageType(),
}
