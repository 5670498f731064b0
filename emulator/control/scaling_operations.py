"""PutFunctionScalingConfig and GetFunctionScalingConfig. Source: spec/control-plane.md 6."""

from dataclasses import replace

from emulator.control.answers import state_name
from emulator.control.capacity import Scaling, read_scaling, scaling_answer
from emulator.control.function import FunctionConfiguration
from emulator.control.names import Target
from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.store import FunctionStore
from emulator.control.without_effect import WithoutEffect
from emulator.model import LambdaError, function_arn


class ScalingOperations:
    """How many environments a version has on managed instances. Any thread may call."""

    def __init__(self, store: FunctionStore, without_effect: WithoutEffect) -> None:
        self._store = store
        self._without_effect = without_effect

    def put_function_scaling_config(self, context: RequestContext, request: Request) -> Response:
        """Set it for a published version; none at all deactivates the version."""
        where = addressed(self._store, context, request, "PutFunctionScalingConfig")
        self._found(where)
        scaling = read_scaling(request.get("FunctionScalingConfig", {}))
        changed = self._store.change(
            where,
            lambda function: function.change_spec(
                where.qualifier, lambda spec: replace(spec, scaling=scaling)
            ),
        )
        if not scaling.is_deactivated:
            effect = "it is shown as set; environments come and go here as calls need them"
            self._without_effect.tell_once("FunctionScalingConfig", where.name, effect)
        return {"FunctionState": state_name(changed)}

    def get_function_scaling_config(self, context: RequestContext, request: Request) -> Response:
        """What was set."""
        where = addressed(self._store, context, request, "GetFunctionScalingConfig")
        answer = scaling_answer(self._found(where).spec.scaling or Scaling())
        return {
            "FunctionArn": function_arn(where.account, where.region, where.name, where.qualifier),
            "AppliedFunctionScalingConfig": answer,
            "RequestedFunctionScalingConfig": answer,
        }

    def _found(self, where: Target) -> FunctionConfiguration:
        found = self._store.get(where)
        if found.spec.capacity is None:
            raise LambdaError(
                "AccessDeniedException",
                "The function provided by the arn does not contain a capacity provider"
                " configuration",
            )
        return found
