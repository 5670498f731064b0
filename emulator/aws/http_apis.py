"""HTTP and WebSocket APIs of API Gateway, read out of moto."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.http_api_snapshot import HttpApi, snapshot
from emulator.aws.locks import ServiceLocks
from emulator.aws.services import Services

DEFAULT_STAGE: Final = "$default"


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpStage:
    """An API under one stage's name."""

    api: HttpApi
    name: str
    variables: Mapping[str, str]


class HttpApis:
    """Finds APIs and their stages. Any thread may call, except one that holds a lock of moto."""

    def __init__(self, services: Services, locks: ServiceLocks) -> None:
        self._services = services
        self._locks = locks

    def protocol(self, api_id: str) -> str | None:
        """HTTP or WEBSOCKET; None when there is no such API."""
        if not self._services.is_loaded("apigateway"):
            return None
        with self._locks.hold("apigateway"):
            api = _find(api_id)
            return None if api is None else str(api.protocol_type)

    def stage(self, api_id: str, *names: str) -> HttpStage | None:
        """The first stage there is of these names; None: no such API, or none of them."""
        if not self._services.is_loaded("apigateway"):
            return None
        with self._locks.hold("apigateway"):
            api = _find(api_id)
            is_open = api is not None and not api.disable_execute_api_endpoint
            stages = () if not is_open else (api.stages.get(name) for name in names)
            stage = next(filter(None, stages), None)
            deployed = None if stage is None else _deployed(api, stage)
            if stage is None or deployed is None:
                return None
            variables = dict(stage.stage_variables or {})
            return HttpStage(api=deployed, name=stage.name, variables=variables)


def _find(api_id: str) -> Any:
    from moto.apigatewayv2.models import apigatewayv2_backends

    backend: Any
    for _, _, backend in apigatewayv2_backends.iter_backends():
        if api_id in backend.apis:
            return backend.apis[api_id]
    return None


def _deployed(api: Any, stage: Any) -> HttpApi | None:
    """What a stage shows: the API as it is where it deploys itself, else its deployment."""
    if stage.auto_deploy:
        return snapshot(api)
    deployment = getattr(api, "emulator_deployments", {}).get(stage.config.get("deploymentId"))
    return None if deployment is None else deployment.api
