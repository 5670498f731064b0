"""REST APIs of API Gateway as they were deployed, read out of moto."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.aws.locks import ServiceLocks
from emulator.aws.rest_api_snapshot import RestApi
from emulator.aws.services import Services


@dataclass(frozen=True, kw_only=True, slots=True)
class RestStage:
    """A deployed API under one stage's name."""

    api: RestApi
    name: str
    deployment_id: str
    variables: Mapping[str, str]


class RestApis:
    """Finds what is deployed. Any thread may call, except one that holds a lock of moto."""

    def __init__(self, services: Services, locks: ServiceLocks) -> None:
        self._services = services
        self._locks = locks

    def has(self, api_id: str) -> bool:
        """True when there is such an API, deployed or not."""
        return self._find(api_id) is not None

    def stage(self, api_id: str, name: str) -> RestStage | None:
        """What is deployed to a stage; None: no such API or stage."""
        found = self._find(api_id)
        if found is None:
            return None
        with self._locks.hold("apigateway"):
            if found.disableExecuteApiEndpoint:
                return None
            stage = found.stages.get(name)
            deployment = stage and found.deployments.get(stage.deployment_id)
            if not deployment:
                return None
            api: RestApi = deployment.emulator_api  # put there by patches.apigateway
            variables = dict(stage.variables or {})
        return RestStage(api=api, name=name, deployment_id=deployment.id, variables=variables)

    def key_is_valid(self, stage: RestStage, value: str) -> str | None:
        """The id of the enabled API key of this value, if a usage plan opens the stage to it."""
        from moto.apigateway.models import apigateway_backends

        with self._locks.hold("apigateway"):
            backend = apigateway_backends[stage.api.account][stage.api.region]
            for plan_id, keys in backend.usage_plan_keys.items():
                plan = backend.usage_plans.get(plan_id)
                if plan is None or not _opens(plan.api_stages, stage):
                    continue
                for key_id in keys:
                    key = backend.keys.get(key_id)
                    if key is not None and key.enabled and key.value == value:
                        return str(key_id)
        return None

    def _find(self, api_id: str) -> Any:
        if not self._services.is_loaded("apigateway"):
            return None
        with self._locks.hold("apigateway"):
            return next((api for api in _all_apis() if api.id == api_id), None)


def _all_apis() -> Iterator[Any]:
    from moto.apigateway.models import apigateway_backends

    backend: Any
    for _, _, backend in apigateway_backends.iter_backends():
        yield from backend.apis.values()


def _opens(api_stages: list[Mapping[str, str]], stage: RestStage) -> bool:
    wanted = (stage.api.id, stage.name)
    return any((one.get("apiId"), one.get("stage")) == wanted for one in api_stages)
