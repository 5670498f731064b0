"""PutRuntimeManagementConfig and GetRuntimeManagementConfig. Source: spec/control-plane.md 6."""

from dataclasses import replace
from typing import Final

from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.spec import RuntimeManagement
from emulator.control.store import FunctionStore
from emulator.control.violations import invalid
from emulator.control.without_effect import WithoutEffect

MANUAL: Final = "Manual"


class RuntimeManagementOperations:
    """When runtimes are updated, by function version. Any thread may call."""

    def __init__(self, store: FunctionStore, without_effect: WithoutEffect) -> None:
        self._store = store
        self._without_effect = without_effect

    def put_runtime_management_config(self, context: RequestContext, request: Request) -> Response:
        """Set it for `$LATEST` or a version."""
        where = addressed(self._store, context, request, "PutRuntimeManagementConfig")
        mode, arn = request["UpdateRuntimeOn"], request.get("RuntimeVersionArn")
        if mode == MANUAL and not arn:
            raise invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
        if mode != MANUAL and arn:
            raise invalid("RuntimeVersionArn is allowed only when UpdateRuntimeOn is Manual.")
        management = RuntimeManagement(update_on=mode, version_arn=arn)
        self._store.change(
            where,
            lambda function: function.change_spec(
                where.qualifier, lambda spec: replace(spec, runtime_management=management)
            ),
        )
        if arn:
            effect = "it is shown as set; the function runs on what this machine has"
            self._without_effect.tell_once("RuntimeVersionArn", where.name, effect)
        return _answer(where.arn, management)

    def get_runtime_management_config(self, context: RequestContext, request: Request) -> Response:
        """What was set; Auto when nothing was."""
        where = addressed(self._store, context, request, "GetRuntimeManagementConfig")
        return _answer(where.arn, self._store.get(where).spec.runtime_management)


def _answer(arn: str, management: RuntimeManagement) -> Response:
    answer: Response = {"UpdateRuntimeOn": management.update_on, "FunctionArn": arn}
    if management.version_arn is not None:
        answer["RuntimeVersionArn"] = management.version_arn
    return answer
