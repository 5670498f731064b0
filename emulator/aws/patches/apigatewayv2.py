"""HTTP and WebSocket APIs: deployments, changes of stages and quick create, which moto lacks."""

import json
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from emulator.aws.addresses import Addresses
from emulator.aws.http_api_snapshot import HttpApi, snapshot
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import Clock
from emulator.observe import Reporter

_RESPONSE: Final = "moto.apigatewayv2.responses:ApiGatewayV2Response"
_PATHS: Final = (
    "{0}/v2/apis/(?P<api_id>[^/]+)/deployments$",
    "{0}/v2/apis/(?P<api_id>[^/]+)/deployments/(?P<deployment_id>[^/]+)$",
)
_CHANGEABLE: Final = {  # member of UpdateStage to the stage's attribute
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """An API as it was at one moment."""

    id: str
    created_s: float
    description: str | None
    api: HttpApi

    def to_json(self) -> dict[str, Any]:
        """What the control plane tells of it."""
        shown = {
            "autoDeployed": False,
            "createdDate": _iso(self.created_s),
            "deploymentId": self.id,
            "deploymentStatus": "DEPLOYED",
        }
        return shown | ({"description": self.description} if self.description else {})


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.apigatewayv2; adds the operations that it lacks."""
    _add_operations(context.clock, context.reporter)
    return [
        Patch("moto.apigatewayv2.models:Api.create_stage", "self, config", _create_stage(context)),
        Patch(f"{_RESPONSE}.create_api", "self", _quick_create),
        Patch("moto.apigatewayv2.models:Stage.to_json", "self", _show_deployment),
        Patch("moto.apigatewayv2.models:Api.to_json", "self", _show_address(context.addresses)),
    ]


def _add_operations(clock: Clock, reporter: Reporter) -> None:
    from moto.apigateway import urls
    from moto.apigatewayv2 import urls as urls_v2
    from moto.apigatewayv2.responses import ApiGatewayV2Response

    for path in _PATHS:
        urls_v2.url_paths[path] = ApiGatewayV2Response.dispatch
        urls.url_paths[path] = ApiGatewayV2Response.dispatch
    operations: Mapping[str, Callable[..., Any]] = {
        "create_deployment": _create_deployment(clock),
        "get_deployments": _get_deployments,
        "get_deployment": _get_deployment,
        "delete_deployment": _delete_deployment,
        "update_stage": _update_stage(reporter),
    }
    for name, operation in operations.items():
        setattr(ApiGatewayV2Response, name, operation)


def _create_deployment(clock: Clock) -> Callable[[Any], Any]:
    def create_deployment(self: Any) -> Any:
        api = _api(self)
        params = json.loads(self.body or "{}")
        deployment = Deployment(
            id="".join(secrets.choice(string.ascii_lowercase) for _ in range(6)),
            created_s=clock.now(),
            description=params.get("description"),
            api=snapshot(api),
        )
        stage_name = params.get("stageName")
        if stage_name:
            api.get_stage(stage_name).config["deploymentId"] = deployment.id
        _deployments(api)[deployment.id] = deployment
        return 201, {}, json.dumps(deployment.to_json())

    return create_deployment


def _get_deployments(self: Any) -> Any:
    items = [one.to_json() for one in _deployments(_api(self)).values()]
    return 200, {}, json.dumps({"items": items})


def _get_deployment(self: Any) -> Any:
    return 200, {}, json.dumps(_named_deployment(self).to_json())


def _delete_deployment(self: Any) -> Any:
    del _deployments(_api(self))[_named_deployment(self).id]
    return 204, {}, ""


def _update_stage(reporter: Reporter) -> Callable[[Any], Any]:
    def update_stage(self: Any) -> Any:
        api = _api(self)
        stage = api.get_stage(unquote(self.path.split("/")[-1]))
        params = json.loads(self.body or "{}")
        _change_stage(stage, params)
        _tell_of_throttles(reporter, api, stage.name, params)
        return 200, {}, json.dumps(stage.to_json())

    return update_stage


def _change_stage(stage: Any, params: Mapping[str, Any]) -> None:
    for member, attribute in _CHANGEABLE.items():
        if member in params:
            setattr(stage, attribute, params[member])
    if "stageVariables" in params:
        # A variable without a value is one taken away.
        merged = stage.stage_variables | params["stageVariables"]
        stage.stage_variables = {name: text for name, text in merged.items() if text != ""}
    if "deploymentId" in params:
        stage.config["deploymentId"] = params["deploymentId"]


def _create_stage(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def create_stage(self: Any, config: Any) -> Any:
            _tell_of_throttles(context.reporter, self, config["stageName"], config)
            return original(self, config)

        return create_stage

    return make


def _tell_of_throttles(reporter: Reporter, api: Any, stage: str, params: Mapping[str, Any]) -> None:
    settings = [params.get("defaultRouteSettings"), *(params.get("routeSettings") or {}).values()]
    if any(name.startswith("throttling") for each in settings for name in each or ()):
        hint = "the limits of routes are shown as set; no request is throttled here"
        reporter.event("apigateway.not_throttled", api=api.api_id, stage=stage, hint=hint)


def _quick_create(original: Any) -> Any:
    """`create-api --target` makes an integration, a route and a stage that deploys itself."""

    def create_api(self: Any) -> Any:
        status, headers, body = original(self)
        params = json.loads(self.body)
        target = params.get("target")
        if target:
            api = self.apigatewayv2_backend.apis[json.loads(body)["apiId"]]
            is_http = target.startswith("http")
            integration = api.create_integration(
                connection_type="INTERNET",
                description=None,
                integration_method="ANY" if is_http else "POST",
                integration_type="HTTP_PROXY" if is_http else "AWS_PROXY",
                integration_uri=target,
                payload_format_version="1.0" if is_http else "2.0",
            )
            api.create_route(
                api_key_required=False,
                authorization_scopes=[],
                route_key=params.get("routeKey") or "$default",
                target=f"integrations/{integration.id}",
            )
            api.create_stage({"stageName": "$default", "autoDeploy": True})
        return status, headers, body

    return create_api


def _show_deployment(original: Any) -> Any:
    def to_json(self: Any) -> dict[str, Any]:
        shown: dict[str, Any] = original(self)
        deployment_id = self.config.get("deploymentId")
        return shown | ({"deploymentId": deployment_id} if deployment_id else {})

    return to_json


def _show_address(addresses: Addresses) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def to_json(self: Any) -> dict[str, Any]:
            shown: dict[str, Any] = original(self)
            # Differs from API Gateway: the address of an API is this machine's.
            return shown | {"apiEndpoint": addresses.of_api(self.api_id, self.protocol_type)}

        return to_json

    return make


def _api(response: Any) -> Any:
    return response.apigatewayv2_backend.get_api(response.path.split("/")[3])


def _deployments(api: Any) -> dict[str, Deployment]:
    if not hasattr(api, "emulator_deployments"):
        api.emulator_deployments = {}
    found: dict[str, Deployment] = api.emulator_deployments
    return found


def _named_deployment(response: Any) -> Deployment:
    from moto.apigatewayv2.exceptions import APIGatewayV2Error

    name = response.path.split("/")[-1]
    found = _deployments(_api(response)).get(name)
    if found is None:
        error = APIGatewayV2Error(
            "NotFoundException", f"Invalid Deployment identifier specified {name}"
        )
        error.code = 404
        raise error
    return found


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
