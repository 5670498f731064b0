"""What Put-, Get-, List- and DeleteProvisionedConcurrencyConfig do.

Source: spec/control-plane.md, Provisioned.
"""

from collections.abc import Callable
from typing import Final

from emulator.control.alias import unpublished
from emulator.control.answers import timestamp
from emulator.control.function import Function
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
from emulator.control.tenancy import refuse_tenants
from emulator.control.violations import invalid
from emulator.model import LATEST, Clock, FunctionVersion, LambdaError, function_arn
from emulator.model.provisioned import NONE_YET, ProvisionedConcurrency, ProvisionedState

PAGE: Final = 50

StateOf = Callable[[FunctionVersion], ProvisionedState]


class ProvisionedOperations:
    """Operations on the provisioned concurrency of versions and aliases. Any thread may call."""

    def __init__(self, store: FunctionStore, clock: Clock, state_of: StateOf) -> None:
        self._store = store
        self._clock = clock
        self._state_of = state_of

    def put_provisioned_concurrency_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Have environments initialised; answers before they are."""
        where = addressed(self._store, context, request, "PutProvisionedConcurrencyConfig")
        if where.qualifier == LATEST:
            raise unpublished()
        spec = self._store.get(where).spec
        refuse_tenants(spec, "Provisioned concurrency")
        if spec.capacity is not None:
            raise invalid("Provisioned concurrency is not supported with a capacity provider.")
        config = ProvisionedConcurrency(
            executions=request["ProvisionedConcurrentExecutions"], modified_at=self._clock.now()
        )
        self._store.provision(where, config)
        return _answer(config, NONE_YET)

    def get_provisioned_concurrency_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """How far it is."""
        where = self._addressed(context, request, "GetProvisionedConcurrencyConfig")
        version = self._store.get(where).version
        qualifier = where.qualifier or LATEST
        config = self._store.read(where, lambda function: function.provisioned.get(qualifier))
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
        self._store.provision(where, None)
        return {}

    def list_provisioned_concurrency_configs(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of the configs of a function, by qualifier."""
        where = addressed_unqualified(
            self._store, context, request, "ListProvisionedConcurrencyConfigs"
        )
        configs = self._store.read(where, _provisioned)
        found, marker = page(request, sorted(configs), str, PAGE)
        return {
            "ProvisionedConcurrencyConfigs": [
                {
                    "FunctionArn": function_arn(where.account, where.region, where.name, qualifier),
                    **_answer(config, self._state_of(version)),
                }
                for qualifier in found
                for config, version in [configs[qualifier]]
            ],
            **marker,
        }

    def _addressed(self, context: RequestContext, request: Request, action: str) -> Target:
        where = addressed(self._store, context, request, action)
        if where.qualifier == LATEST:
            raise invalid("The function resource provided must be an alias or a published version.")
        return where


def _provisioned(function: Function) -> dict[str, tuple[ProvisionedConcurrency, FunctionVersion]]:
    """What each qualifier has, and for which version."""
    return {
        qualifier: (config, shown.version)
        for qualifier, config in function.provisioned.items()
        if (shown := function.find(qualifier))
    }


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
