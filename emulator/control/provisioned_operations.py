"""What Put-, Get-, List- and DeleteProvisionedConcurrencyConfig do.

Source: spec/control-plane.md, Provisioned.
"""

from collections.abc import Callable
from typing import Final

from emulator.control.answers import timestamp
from emulator.control.function import Function, FunctionConfiguration
from emulator.control.names import Target
from emulator.control.paging import page
from emulator.control.request import (
    Request,
    RequestContext,
    Response,
    addressed,
    addressed_unqualified,
)
from emulator.control.store import FunctionStore
from emulator.control.violations import invalid
from emulator.model import LATEST, Clock, FunctionVersion, LambdaError, function_arn
from emulator.model.provisioned import NONE_YET, ProvisionedConcurrency, ProvisionedState

PAGE: Final = 50

Provision = Callable[[FunctionVersion, int], None]
"""Has so many environments of a version initialised; 0: none any more."""
StateOf = Callable[[FunctionVersion], ProvisionedState]


class ProvisionedOperations:
    """Operations on the provisioned concurrency of published versions. Any thread may call."""

    def __init__(
        self, store: FunctionStore, clock: Clock, provision: Provision, state_of: StateOf
    ) -> None:
        self._store = store
        self._clock = clock
        self._provision = provision
        self._state_of = state_of

    def put_provisioned_concurrency_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Have environments initialised; answers before they are."""
        where = addressed(self._store, context, request, "PutProvisionedConcurrencyConfig")
        if where.qualifier == LATEST:
            raise invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished function"
                " versions."
            )
        config = ProvisionedConcurrency(
            executions=request["ProvisionedConcurrentExecutions"], modified_at=self._clock.now()
        )
        version = self._store.provision(where, config).version
        self._provision(version, config.executions)
        return _answer(config, NONE_YET)

    def get_provisioned_concurrency_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """How far it is."""
        where = self._addressed(context, request, "GetProvisionedConcurrencyConfig")
        version = self._store.get(where).version
        config = self._store.read(where, lambda function: function.provisioned.get(version.version))
        if config is None:
            raise LambdaError(
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        return _answer(config, self._state_of(version))

    def delete_provisioned_concurrency_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Go back to environments on demand; without a config nothing happens."""
        where = self._addressed(context, request, "DeleteProvisionedConcurrencyConfig")
        version = self._store.provision(where, None).version
        self._provision(version, 0)
        return {}

    def list_provisioned_concurrency_configs(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of the configs of a function, by version."""
        where = addressed_unqualified(
            self._store, context, request, "ListProvisionedConcurrencyConfigs"
        )
        configs, shown = self._store.read(where, _provisioned)
        found, marker = page(request, shown, _list_key, PAGE)
        return {
            "ProvisionedConcurrencyConfigs": [
                {
                    "FunctionArn": function_arn(
                        where.account, where.region, where.name, each.version.version
                    ),
                    **_answer(configs[each.version.version], self._state_of(each.version)),
                }
                for each in found
            ],
            **marker,
        }

    def _addressed(self, context: RequestContext, request: Request, action: str) -> Target:
        where = addressed(self._store, context, request, action)
        if where.qualifier == LATEST:
            raise invalid("The function resource provided must be an alias or a published version.")
        return where


def _provisioned(
    function: Function,
) -> tuple[dict[str, ProvisionedConcurrency], list[FunctionConfiguration]]:
    configs = dict(function.provisioned)
    return configs, [each for number, each in function.published.items() if number in configs]


def _list_key(shown: FunctionConfiguration) -> str:
    return f"{int(shown.version.version):020}"


def _answer(config: ProvisionedConcurrency, state: ProvisionedState) -> Response:
    answer: Response = {
        "RequestedProvisionedConcurrentExecutions": config.executions,
        "AvailableProvisionedConcurrentExecutions": state.available,
        "AllocatedProvisionedConcurrentExecutions": state.available,
        "Status": state.status.value,
        "LastModified": timestamp(config.modified_at),
    }
    if state.reason is not None:
        answer["StatusReason"] = state.reason
    return answer
