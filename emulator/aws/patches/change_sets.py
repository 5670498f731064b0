"""Change sets of CloudFormation: found by their stack, too, and executed as updates are."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.patches.patching import Patch
from emulator.aws.patches.stack_exports import backend_of
from emulator.aws.patches.stack_flow import (
    DO_NOTHING,
    ROLLBACK,
    Revision,
    StackFlow,
    is_same,
    resolved,
    revision_of,
)
from emulator.aws.patches.stack_policies import policy_of
from emulator.aws.stack_work import work_under_way

_BACKEND: Final = "moto.cloudformation.models:CloudFormationBackend"
_RESPONSE: Final = "moto.cloudformation.responses:CloudFormationResponse"
_NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a"
    " change set."
)
_REVISION: Final = "emulator_revision"  # attribute of moto's change set

Prepare = Callable[[Any, str, Mapping[str, Any], Mapping[str, str] | None], Revision]


def patches(flow: StackFlow, prepare: Prepare) -> list[Patch]:
    """Patches of change sets."""
    return [
        Patch(
            f"{_BACKEND}.create_change_set",
            "self, stack_name, change_set_name, template, parameters, description,"
            " change_set_type, notification_arns, tags, role_arn",
            _create(prepare),
        ),
        Patch(f"{_RESPONSE}.create_change_set", "self", _update_unless_told),
        Patch(f"{_RESPONSE}.describe_change_set", "self", lambda _: _describe),
        Patch(f"{_RESPONSE}.delete_change_set", "self", lambda _: _delete),
        Patch(f"{_RESPONSE}.list_change_sets", "self", lambda _: _list),
        Patch(f"{_RESPONSE}.execute_change_set", "self", lambda _: _execute(flow)),
    ]


def _create(prepare: Prepare) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def create_change_set(
            self: Any,
            stack_name: str,
            change_set_name: str,
            template: str,
            parameters: dict[str, str],
            *,
            change_set_type: str,
            tags: dict[str, str] | None = None,
            **rest: Any,
        ) -> tuple[str, str]:
            found = _stack_for(self, stack_name, change_set_name, change_set_type)
            stack = found if change_set_type == "UPDATE" else None
            if stack is not None:
                tags = tags or stack.tags
                if template == stack.template:
                    template = revision_of(stack).original
            revision = prepare(self, template, parameters, tags)
            values = resolved(self, revision)
            rest |= {"change_set_type": change_set_type, "tags": tags}
            made_id, stack_id = original(
                self,
                found.name if found else stack_name,
                change_set_name,
                revision.text,
                parameters,
                **rest,
            )
            made = self.change_sets[made_id]
            if found is not None and stack_id != found.stack_id:  # moto made another one
                del self.stacks[stack_id]
                made.stack, made.stack_id, stack_id = found, found.stack_id, found.stack_id
            setattr(made, _REVISION, revision)
            if stack is not None and is_same(stack, revision, values):
                made.status, made.status_reason = "FAILED", _NO_CHANGES
                made.execution_status = "UNAVAILABLE"
            else:
                made.status, made.status_reason = "CREATE_COMPLETE", None
                made.execution_status = "AVAILABLE"
            return made_id, stack_id

        return create_change_set

    return make


def _update_unless_told(original: Any) -> Any:
    """A request that names no type of change set wants an update; moto takes it for a creation."""

    def create_change_set(self: Any) -> Any:
        if self._get_param("ChangeSetType") is None:
            self.params = {**self.params, "ChangeSetType": "UPDATE"}
        return original(self)

    return create_change_set


def _stack_for(backend: Any, name: str, change_set: str, kind: str) -> Any:
    """The stack that is to be updated, or is under review; None: there is none yet.

    Raises ValidationError.
    """
    from moto.cloudformation.exceptions import ValidationError

    if kind not in ("CREATE", "UPDATE"):
        raise ValidationError(message=f"The emulator makes no change sets of type {kind}.")
    found = [stack for stack in backend.stacks.values() if name in (stack.name, stack.stack_id)]
    if kind == "UPDATE":
        if not found:
            raise ValidationError(name)
        return found[0]
    for stack in found:
        if stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(
                message=f"Stack [{name}] already exists and cannot be created again with the"
                f" changeSet [{change_set}]."
            )
    return found[0] if found else None


def _find(response: Any) -> Any:
    """The change set that a request is about; raises ChangeSetNotFoundException."""
    from moto.cloudformation.exceptions import CloudFormationError

    class ChangeSetNotFoundException(CloudFormationError):
        code = "ChangeSetNotFound"

    name, stack = response._get_param("ChangeSetName"), response._get_param("StackName")
    for each in reversed(response.cloudformation_backend.change_sets.values()):
        is_of_stack = stack in (None, each.stack_name, each.stack_id)
        if name == each.change_set_id or (name == each.change_set_name and is_of_stack):
            return _as_it_stands(each)
    raise ChangeSetNotFoundException(f"ChangeSet [{name}] does not exist")


def _as_it_stands(change_set: Any) -> Any:
    """The change set, with the end of its execution once the stack has come to it."""
    is_executed = change_set.execution_status == "EXECUTE_IN_PROGRESS"
    if is_executed and work_under_way(change_set.stack) is None:
        change_set.execution_status = "EXECUTE_COMPLETE"
    return change_set


def _describe(self: Any) -> Any:
    from moto.core.responses import ActionResult

    return ActionResult(_find(self))


def _delete(self: Any) -> Any:
    from moto.cloudformation.exceptions import CloudFormationError
    from moto.core.responses import EmptyResult

    try:
        found = _find(self)
    except CloudFormationError:
        return EmptyResult()  # as AWS: there is none, and that was wanted
    del self.cloudformation_backend.change_sets[found.change_set_id]
    return EmptyResult()


def _list(self: Any) -> Any:
    from moto.core.responses import ActionResult

    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    known = self.cloudformation_backend.change_sets.values()
    found = [_as_it_stands(each) for each in known if each.stack_id == stack.stack_id]
    return ActionResult({"Summaries": found})


def _execute(flow: StackFlow) -> Callable[[Any], Any]:
    def execute_change_set(self: Any) -> Any:
        from moto.cloudformation.exceptions import CloudFormationError
        from moto.core.responses import EmptyResult

        class InvalidChangeSetStatusException(CloudFormationError):
            code = "InvalidChangeSetStatus"

        found = _find(self)
        if found.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatusException(
                f"ChangeSet [{found.change_set_id}] cannot be executed in its current status of"
                f" [{found.status}]"
            )
        stack, revision = found.stack, getattr(found, _REVISION)
        rolls_back = not self._get_bool_param("DisableRollback", False)
        found.execution_status = "EXECUTE_IN_PROGRESS"  # first: who executes it again is refused
        try:
            if found.change_set_type == "CREATE":
                flow.create(stack, revision, ROLLBACK if rolls_back else DO_NOTHING)
            else:
                flow.update(stack, revision, rolls_back=rolls_back, policy=policy_of(stack))
        except CloudFormationError:
            found.execution_status = "AVAILABLE"
            raise
        others = backend_of(stack).change_sets
        for each in [each for each in others.values() if each.stack_id == stack.stack_id]:
            if each is not found:  # made for a stack that is another one now
                each.execution_status = "OBSOLETE"
        return EmptyResult()

    return execute_change_set
