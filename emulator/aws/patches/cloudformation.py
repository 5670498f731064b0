"""CloudFormation: custom resources of both forms, and stacks that wait for them in the background.

A stack with a custom resource is changed on a thread of its own, as a function must answer before
its dependents can be made. The thread holds moto's locks but for the time in which it waits.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from emulator.aws.custom_resources import PendingAnswers, is_custom
from emulator.aws.facts import Requester
from emulator.aws.patches.custom_resource import custom_resource_class
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.aws.stack_work import (
    Abandoned,
    StackWork,
    begin_on_this_thread,
    set_work,
    work_of_this_thread,
    work_under_way,
)

_MODELS: Final = "moto.cloudformation.models"
_PARSING: Final = "moto.cloudformation.parsing"
_COMPLETE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_DELETABLE: Final = ("CREATE", "ROLLBACK", "DELETE")  # in progress, and yet it can be deleted

_Step = Callable[[], None]


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.cloudformation."""
    pending = PendingAnswers()
    backend = f"{_MODELS}:CloudFormationBackend"
    return [
        Patch(
            f"{_PARSING}:resource_class_from_type",
            "resource_type",
            _resource_class(context, pending),
        ),
        Patch(
            "moto.cloudformation.responses:CloudFormationResponse.cfnresponse",
            "cls, args, kwargs",
            _take_answer(pending),
        ),
        Patch(f"{_MODELS}:Stack.exports", "self", _when_complete([])),
        Patch(f"{_MODELS}:Stack.outputs", "self", _when_complete(None)),
        Patch(f"{_MODELS}:Stack.stack_resources", "self", _made_resources),
        Patch(f"{_MODELS}:Stack.create_resources", "self", _create(context)),
        Patch(
            f"{_MODELS}:Stack.update",
            "self, template, role_arn, parameters, tags",
            _update(context),
        ),
        Patch(f"{backend}.delete_stack", "self, name_or_stack_id", _delete(context)),
        Patch(
            f"{backend}.execute_change_set",
            "self, change_set_name, stack_name",
            _execute(context),
        ),
    ]


def _resource_class(context: PatchContext, pending: PendingAnswers) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        made: list[Any] = []

        def resource_class_from_type(resource_type: str) -> Any:
            if not is_custom(resource_type):
                return original(resource_type)
            if not made:
                made.append(custom_resource_class(context, pending))
            return made[0]

        return resource_class_from_type

    return make


def _take_answer(pending: PendingAnswers) -> Callable[[Any], Any]:
    """The function's PUT to the ResponseURL; as S3, it takes anything and answers nothing."""

    def make(original: Any) -> Any:
        def cfnresponse(cls: Any, request: Any, full_url: str, headers: Any) -> Any:
            body = request.get_data() if hasattr(request, "get_data") else request.body
            known = pending.answer(full_url, body)
            return (200 if known else 403), {}, ""

        return classmethod(cfnresponse)

    return make


def _when_complete(otherwise: Any) -> Callable[[Any], Any]:
    """moto makes a resource when something refers to it; a look must not make a custom one."""

    def make(original: Any) -> Any:
        return property(lambda self: original.fget(self) if _is_complete(self) else otherwise)

    return make


def _made_resources(original: Any) -> Any:
    def stack_resources(self: Any) -> Any:
        if _is_complete(self):
            return original.fget(self)
        made = self.resource_map._parsed_resources
        return [made[name] for name in self.template_dict.get("Resources", {}) if name in made]

    return property(stack_resources)


def _is_complete(stack: Any) -> bool:
    """True when all resources exist, or who looks is the stack's own thread."""
    if not _has_custom(stack.template_dict) or work_of_this_thread() is not None:
        return True
    return stack.status in _COMPLETE and work_under_way(stack) is None


def _has_custom(template: Mapping[str, Any]) -> bool:
    resources = template.get("Resources", {})
    return any(is_custom(str(each.get("Type"))) for each in resources.values())


def _in_background(
    context: PatchContext, stack: Any, doing: str, work: _Step, on_failure: Callable[[str], None]
) -> None:
    """Change a stack on a thread of its own; its status says so from now on."""
    stack.status = f"{doing}_IN_PROGRESS"
    change = StackWork(key=f"{stack.stack_id} {uuid.uuid4()}")

    def run() -> None:
        begin_on_this_thread(change)
        try:
            with _own_request(context, stack):
                try:
                    work()
                except Abandoned:
                    pass
                except Exception as error:  # noqa: BLE001  # moto raises anything; the stack says it
                    on_failure(str(error))
                change.has_ended = True
                if change.deletes_afterwards:
                    _delete_in_background(context, stack)
        finally:
            context.stacks.end(change.key)

    context.stacks.begin(change.key, lambda: _abandon(change))
    set_work(stack, change)
    threading.Thread(target=run, name=f"stack {stack.name}", daemon=True).start()


def _abandon(change: StackWork) -> None:
    change.is_abandoned = True


@contextmanager
def _own_request(context: PatchContext, stack: Any) -> Iterator[None]:
    """Facts of what the stack makes are told when the thread is done, with no lock held."""
    requester = Requester(
        account=stack.account_id,
        principal="AWS:cloudformation.amazonaws.com",
        source_ip="cloudformation.amazonaws.com",
        request_id=str(uuid.uuid4()),
        host_id="",
    )
    with context.buffer.request(requester) as facts, context.locks.hold("cloudformation"):
        yield
    context.buffer.deliver(facts)


def _create(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def create_resources(self: Any) -> None:
            if not _has_custom(self.template_dict) or work_of_this_thread() is not None:
                original(self)
                return

            def work() -> None:
                original(self)
                _backend(self).exports.update({each.name: each for each in self.exports})

            _in_background(context, self, "CREATE", work, lambda why: _roll_back(self, why))

        return create_resources

    return make


def _backend(stack: Any) -> Any:
    from moto.cloudformation.models import cloudformation_backends

    return cloudformation_backends[stack.account_id][stack.region_name]


def _roll_back(stack: Any, reason: str) -> None:
    """Delete what was made of a stack that could not be created."""
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
    stack.status = "ROLLBACK_IN_PROGRESS"
    _settle(stack, stack.resource_map.delete, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


def _settle(stack: Any, work: _Step, done: str, failed: str) -> None:
    """Do the last thing there is to do to a stack; its status says how that went."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  # moto raises anything; the stack says it
        stack.status = failed
        stack._add_stack_event(failed, resource_status_reason=str(error))
        return
    stack.status = done
    stack._add_stack_event(done)


def _update(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def update(
            self: Any,
            template: str,
            role_arn: str | None = None,
            parameters: Any = None,
            tags: Any = None,
        ) -> None:
            new = self.parse_template(template)
            has_custom = _has_custom(new) or _has_custom(self.template_dict)
            if not has_custom or work_of_this_thread() is not None:
                original(self, template, role_arn, parameters, tags)
                return
            _check_idle(self)
            before = self.template, self.template_dict, dict(self.parameters)

            def work() -> None:
                original(self, template, role_arn, parameters, tags)

            _in_background(context, self, "UPDATE", work, lambda why: _undo(self, before, why))

        return update

    return make


def _check_idle(stack: Any) -> None:
    """A stack is changed by one at a time."""
    from moto.cloudformation.exceptions import ValidationError

    if work_under_way(stack) is not None:
        text = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
        raise ValidationError(message=text)


def _undo(stack: Any, before: tuple[Any, Any, Any], reason: str) -> None:
    """Bring a stack back to the template it had before an update failed."""
    stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
    stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    stack.template, stack.template_dict, parameters = before

    def work() -> None:
        stack.resource_map.update(stack.template_dict, parameters)
        stack.output_map = stack._create_output_map()

    _settle(stack, work, "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")


def _delete(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_stack(self: Any, name_or_stack_id: str) -> None:
            found = [
                stack
                for stack in self.stacks.values()
                if name_or_stack_id in (stack.name, stack.stack_id)
            ]
            is_inner = work_of_this_thread() is not None  # a stack in another one
            if is_inner or not found or not _has_custom(found[0].template_dict):
                original(self, name_or_stack_id)
                return
            (stack,) = found
            under_way = work_under_way(stack)
            if under_way is None:
                _delete_in_background(context, stack)
            else:
                _delete_afterwards(context, stack, under_way)

        return delete_stack

    return make


def _delete_afterwards(context: PatchContext, stack: Any, under_way: StackWork) -> None:
    """A stack that is being made is no longer wanted; one that is being deleted goes anyway."""
    from moto.cloudformation.exceptions import ValidationError

    doing = stack.status.removesuffix("_IN_PROGRESS")
    if doing not in _DELETABLE:
        text = f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
        raise ValidationError(message=text)
    if doing != "DELETE":
        stack.status = "DELETE_IN_PROGRESS"
        under_way.is_abandoned = under_way.deletes_afterwards = True
        context.stacks.wake()


def _delete_in_background(context: PatchContext, stack: Any) -> None:
    def work() -> None:
        stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")
        stack.resource_map.delete()
        _forget(_backend(stack), stack)

    def fail(reason: str) -> None:
        stack.status = "DELETE_FAILED"
        stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason)

    _in_background(context, stack, "DELETE", work, fail)


def _forget(backend: Any, stack: Any) -> None:
    """The rest of a deletion, once the resources are gone."""
    for name, export in list(backend.exports.items()):
        if export.exporting_stack_id == stack.stack_id:
            del backend.exports[name]
    backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    stack.status = "DELETE_COMPLETE"
    stack._add_stack_event("DELETE_COMPLETE")


def _execute(context: PatchContext) -> Callable[[Any], Any]:
    """A change set does what CreateStack and UpdateStack do."""

    def make(original: Any) -> Any:
        def execute_change_set(
            self: Any, change_set_name: str, stack_name: str | None = None
        ) -> None:
            change_set = self.describe_change_set(change_set_name)
            stack = self.stacks[change_set.stack_id]
            new = stack.parse_template(change_set.template)
            if not (_has_custom(new) or _has_custom(stack.template_dict)):
                original(self, change_set_name, stack_name)
                return
            _check_idle(stack)
            before = stack.template, stack.template_dict, dict(stack.parameters)
            is_new = change_set.change_set_type == "CREATE"

            def work() -> None:
                original(self, change_set.change_set_id, stack_name)
                stack.template_dict = new
                stack.output_map = stack._create_output_map()

            def fail(reason: str) -> None:
                stack.template_dict = new
                if is_new:
                    _roll_back(stack, reason)
                else:
                    _undo(stack, before, reason)

            _in_background(context, stack, "CREATE" if is_new else "UPDATE", work, fail)

        return execute_change_set

    return make
