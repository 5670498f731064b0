"""What Put-, Update-, Get-, List- and DeleteFunctionEventInvokeConfig do."""

from collections.abc import Callable
from typing import Final

from emulator.control.function import Function
from emulator.control.invoke_config import answer, changed, check_destinations
from emulator.control.names import Target
from emulator.control.paging import page
from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.store import FunctionStore
from emulator.model import (
    LATEST,
    Clock,
    EventInvokeConfig,
    LambdaError,
    function_arn,
)

PAGE: Final = 50


class InvokeConfigOperations:
    """Operations on the settings of asynchronous invocation, by qualifier. Any thread may call."""

    def __init__(self, store: FunctionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def put_function_event_invoke_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Replace everything."""
        where = self._addressed(context, request, "PutFunctionEventInvokeConfig")
        self._check_exists(where)
        return self._save(where, request, lambda _: EventInvokeConfig())

    def update_function_event_invoke_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Replace what is given."""
        where = self._addressed(context, request, "UpdateFunctionEventInvokeConfig")
        self._check_exists(where)
        return self._save(where, request, lambda function: _config_of(function, where))

    def get_function_event_invoke_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """The settings of one qualifier; defaults are not filled in."""
        where = self._addressed(context, request, "GetFunctionEventInvokeConfig")
        return answer(self._config(where), where.arn)

    def list_function_event_invoke_configs(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of the settings of all qualifiers."""
        where = self._addressed(context, request, "ListFunctionEventInvokeConfigs")
        self._check_exists(where)
        configs = self._store.read(where, lambda function: dict(function.invoke_configs))
        found, marker = page(request, sorted(configs), str, PAGE)
        return {
            "FunctionEventInvokeConfigs": [
                answer(configs[qualifier], _qualified(where, qualifier)) for qualifier in found
            ],
            **marker,
        }

    def delete_function_event_invoke_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Go back to the defaults."""
        where = self._addressed(context, request, "DeleteFunctionEventInvokeConfig")
        self._config(where)

        def delete(function: Function) -> None:
            function.invoke_configs.pop(where.qualifier or LATEST, None)

        self._store.change(where, delete)
        return {}

    def _addressed(self, context: RequestContext, request: Request, action: str) -> Target:
        found = addressed(self._store, context, request, action)
        return Target(found.account, found.region, found.name, found.qualifier or LATEST)

    def _check_exists(self, where: Target) -> None:
        try:
            self._store.get(where)
        except LambdaError as error:
            text = "The function doesn't exist."
            raise LambdaError("ResourceNotFoundException", text) from error

    def _config(self, where: Target) -> EventInvokeConfig:
        try:
            return self._store.read(where, lambda function: _config_of(function, where))
        except LambdaError as error:  # of a function that is missing, the same is said
            raise _no_config(where) from error

    def _save(
        self, where: Target, request: Request, before: Callable[[Function], EventInvokeConfig]
    ) -> Response:
        def change(function: Function) -> EventInvokeConfig:
            return changed(before(function), request, self._clock.now())

        def save(function: Function) -> EventInvokeConfig:
            config = function.invoke_configs[where.qualifier or LATEST] = change(function)
            return config

        unqualified = function_arn(where.account, where.region, where.name)
        check_destinations(self._store.read(where, change), unqualified, self._store.exists)
        return answer(self._store.change(where, save), where.arn)


def _config_of(function: Function, where: Target) -> EventInvokeConfig:
    config = function.invoke_configs.get(where.qualifier or LATEST)
    if config is None:
        raise _no_config(where)
    return config


def _no_config(where: Target) -> LambdaError:
    text = f"The function {where.arn} doesn't have an EventInvokeConfig"
    return LambdaError("ResourceNotFoundException", text)


def _qualified(where: Target, qualifier: str) -> str:
    return function_arn(where.account, where.region, where.name, qualifier)
