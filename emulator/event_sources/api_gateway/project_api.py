"""The HTTP API of a project: the routes of its functions' `http` triggers."""

import threading
from dataclasses import replace
from typing import Final

from emulator.aws.http_api_snapshot import HttpApi, Route, RouteIntegration
from emulator.aws.http_apis import DEFAULT_STAGE, HttpApis, HttpStage
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION
from emulator.model.triggers.http import PROJECT_API

_EMPTY: Final = HttpApi(
    id=PROJECT_API,
    account=DEFAULT_ACCOUNT,
    region=DEFAULT_REGION,
    protocol="HTTP",
    route_selection="",
    routes=(),
    cors=None,
)


class Apis:
    """The APIs of API Gateway, and that of the project.

    Any thread may call. `_lock` guards the changes of the project's API, which is a value: who
    reads it needs no lock.
    """

    def __init__(self, made: HttpApis) -> None:
        self._made = made
        self._lock = threading.Lock()
        self._project = _EMPTY

    def protocol(self, api_id: str) -> str | None:
        """HTTP or WEBSOCKET; None when there is no such API."""
        if api_id == PROJECT_API and self._project.routes:
            return "HTTP"
        return self._made.protocol(api_id)

    def stage(self, api_id: str, *names: str) -> HttpStage | None:
        """The first stage there is of these names; None: no such API, or none of them."""
        if api_id == PROJECT_API and self._project.routes:
            return HttpStage(api=self._project, name=DEFAULT_STAGE, variables={})
        return self._made.stage(api_id, *names)

    def add(self, route_key: str, function_arn: str) -> None:
        """Add a route to the project's API."""
        with self._lock:
            route = _route(route_key, function_arn)
            self._project = replace(self._project, routes=(*self._project.routes, route))

    def remove(self, route_key: str, function_arn: str) -> None:
        """Take it away."""
        with self._lock:
            gone = _route(route_key, function_arn)
            kept = tuple(route for route in self._project.routes if route != gone)
            self._project = replace(self._project, routes=kept)

    def forget(self) -> None:
        """Take all of them away."""
        with self._lock:
            self._project = _EMPTY


def _route(key: str, function_arn: str) -> Route:
    integration = RouteIntegration(
        id=PROJECT_API,
        kind="AWS_PROXY",
        subtype=None,
        uri=function_arn,
        method="POST",
        payload_version="2.0",
        timeout_s=30.0,
        request_parameters={},
        response_parameters={},
    )
    return Route(
        key=key,
        authorization="NONE",
        authorizer=None,
        scopes=(),
        integration=integration,
        answers=False,
    )
