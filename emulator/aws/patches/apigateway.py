"""API Gateway: a deployment keeps what it deployed, and nothing that was asked for is lost.

moto has no snapshots: a deployment is a name and a date. It also forgets two members of requests
(`binaryMediaTypes`, `identityValidationExpression`) and keeps a list of mocked URLs that grows
with every deployment and that nobody asks here.
"""

import json
from collections.abc import Callable
from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.aws.rest_api_snapshot import snapshot


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.apigateway."""
    models = "moto.apigateway.models"
    return [
        Patch(
            f"{models}:RestAPI.create_deployment",
            "self, name, description, stage_variables",
            _keep_deployed,
        ),
        Patch(
            f"{models}:RestAPI.apply_patch_operations",
            "self, patch_operations",
            _read_media_type_of_path,
        ),
        Patch(f"{models}:RestAPI.update_integration_mocks", "self, stage_name", _do_nothing),
        Patch(
            f"{models}:RestAPI.create_authorizer",
            "self, authorizer_id, name, authorizer_type, provider_arns, auth_type, authorizer_uri,"
            " authorizer_credentials, identity_source, identiy_validation_expression,"
            " authorizer_result_ttl",
            _keep_validation,
        ),
        Patch(
            "moto.apigateway.responses:APIGatewayResponse.create_rest_api",
            "self",
            _keep_binary_media_types,
        ),
    ]


def _keep_deployed(original: Any) -> Any:
    def create_deployment(
        self: Any, name: str, description: str, stage_variables: Any = None
    ) -> Any:
        former = self.stages.get(name)
        deployment = original(self, name, description, stage_variables)
        deployment.emulator_api = snapshot(self)
        if former is not None:
            # moto puts a new stage in the place of one that is there; AWS moves it on.
            former.deployment_id = deployment.id
            former.variables.update(stage_variables or {})
            self.stages[name] = former
        return deployment

    return create_deployment


def _read_media_type_of_path(original: Any) -> Any:
    """The type that is added or removed stands in the path (`image~1png`), not in a value."""

    def apply_patch_operations(self: Any, patch_operations: list[dict[str, str]]) -> None:
        original(self, [_with_value(operation) for operation in patch_operations])

    return apply_patch_operations


def _with_value(operation: dict[str, str]) -> dict[str, str]:
    _, found, media_type = operation["path"].partition("/binaryMediaTypes/")
    if not found or operation["op"] == "replace":
        return operation
    return operation | {"value": media_type.replace("~1", "/").replace("~0", "~")}


def _do_nothing(original: Any) -> Callable[[Any, str], None]:
    return lambda self, stage_name: None


def _keep_validation(original: Any) -> Any:
    def create_authorizer(self: Any, *arguments: Any, **named: Any) -> Any:
        authorizer = original(self, *arguments, **named)
        authorizer.identity_validation_expression = named.get("identiy_validation_expression")
        return authorizer

    return create_authorizer


def _keep_binary_media_types(original: Any) -> Any:
    def create_rest_api(self: Any) -> Any:
        status, headers, body = original(self)
        types = self._get_param("binaryMediaTypes")
        if status != 200 or not types:
            return status, headers, body
        api = self.backend.apis[json.loads(body)["id"]]
        api.binaryMediaTypes = list(types)
        return status, headers, json.dumps(api.to_dict())

    return create_rest_api
