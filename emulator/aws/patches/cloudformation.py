"""CloudFormation: stacks are read, checked and changed by us; moto keeps them and answers."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.custom_resources import PendingAnswers
from emulator.aws.kept_stacks import StackName
from emulator.aws.patches import change_sets, stack_map, stack_views
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.aws.patches.stack_flow import (
    DO_NOTHING,
    ROLLBACK,
    Revision,
    StackFlow,
    check_updatable,
    is_same,
    resolved,
    revision_of,
)
from emulator.aws.patches.stack_map import validation_errors
from emulator.aws.patches.stack_policies import (
    checked,
    policy_of,
    policy_wishes,
    set_stack_policy,
)
from emulator.aws.patches.stack_remains import StackRemains
from emulator.aws.patches.stack_types import StackTypes
from emulator.aws.stacks.live_aliases import follow_live_code
from emulator.aws.stacks.sam import transformed, transforms_of
from emulator.aws.stacks.template import check, parse

_MODELS: Final = "moto.cloudformation.models"
_BACKEND: Final = f"{_MODELS}:CloudFormationBackend"
_RESPONSE: Final = "moto.cloudformation.responses:CloudFormationResponse"

_wishes: Final = threading.local()  # what the request on this thread wants beyond moto's arguments


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.cloudformation."""
    pending = PendingAnswers()
    types = StackTypes(context, pending)
    remains = StackRemains(context, types)
    flow = StackFlow(context, types.handler_of, remains)
    prepare = _Prepare(types)
    return [
        Patch(f"{_RESPONSE}.cfnresponse", "cls, args, kwargs", _take_answer(pending)),
        Patch(f"{_MODELS}:Stack.parse_template", "template", lambda _: staticmethod(_parse)),
        Patch(f"{_MODELS}:ChangeSet._parse_template", "self", lambda _: _parse_change_set),
        Patch(f"{_MODELS}:Stack.create_resources", "self", lambda _: _create_hidden(flow)),
        Patch(f"{_MODELS}:Stack.delete", "self", lambda _: lambda self: flow.delete(self)),
        Patch(
            f"{_BACKEND}.create_stack",
            "self, name, template, parameters, notification_arns, tags, role_arn,"
            " enable_termination_protection, timeout_in_mins, stack_policy_body",
            lambda _: _create(flow, prepare),
        ),
        Patch(
            f"{_BACKEND}.update_stack",
            "self, name, template, role_arn, parameters, tags",
            lambda _: _update(flow, prepare),
        ),
        Patch(
            f"{_BACKEND}.delete_stack", "self, name_or_stack_id", lambda _: _delete(flow, remains)
        ),
        Patch(
            f"{_RESPONSE}._validate_different_update",
            "self, incoming_params, stack_body, old_stack",
            lambda _: _differs,
        ),
        Patch(f"{_BACKEND}.set_stack_policy", "self, stack_name, policy_body", set_stack_policy),
        Patch(f"{_RESPONSE}.create_stack", "self", _with_wishes(_wishes_of)),
        Patch(f"{_RESPONSE}.update_stack", "self", _with_wishes(_wishes_of)),
        Patch(f"{_RESPONSE}.delete_stack", "self", _with_wishes(_retention_wish)),
        *stack_map.patches(),
        *stack_views.patches(prepare.document),
        *change_sets.patches(flow, prepare),
    ]


def _take_answer(pending: PendingAnswers) -> Callable[[Any], Any]:
    """The function's PUT to the ResponseURL; as S3, it takes anything and answers nothing."""

    def make(original: Any) -> Any:
        def cfnresponse(cls: Any, request: Any, full_url: str, headers: Any) -> Any:
            body = request.get_data() if hasattr(request, "get_data") else request.body
            known = pending.answer(full_url, body)
            return (200 if known else 403), {}, ""

        return classmethod(cfnresponse)

    return make


class _Prepare:
    """Makes of a submitted template what a stack is made from."""

    def __init__(self, types: StackTypes) -> None:
        self._types = types

    def __call__(
        self,
        backend: Any,
        template: str,
        parameters: Mapping[str, Any],
        tags: Mapping[str, str] | None,
    ) -> Revision:
        """Raises ValidationError."""
        with validation_errors():
            submitted = parse(template)
            values = _known_values(submitted, parameters)
            document = follow_live_code(transformed(submitted, values, backend.region_name))
            check(document, self._types.is_known, self._types.has_attribute)
        return Revision(
            original=template,
            document=document,
            text=json.dumps(document, default=str),
            parameters=dict(parameters),
            tags=dict(tags or {}),
            is_transformed=bool(transforms_of(submitted)),
        )

    def document(self, backend: Any, template: str) -> Mapping[str, Any]:
        """A template as it was submitted, if a stack can be made of it; raises ValidationError."""
        with validation_errors():
            submitted = parse(template)
        self(backend, template, {}, None)
        return submitted


def _known_values(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    slots = document.get("Parameters") or {}
    defaults = {name: slot["Default"] for name, slot in slots.items() if "Default" in slot}
    return {**defaults, **given}


def _parse(template: str) -> dict[str, Any]:
    with validation_errors():
        return parse(template)


def _parse_change_set(self: Any) -> None:
    self.template_dict = _parse(self.template)


def _differs(self: Any, incoming_params: Any, stack_body: Any, old_stack: Any) -> None:
    """Left to `update_stack`, and to change sets, which fail in another way."""


def _with_wishes(read: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], Any]:
    """Hand on what moto's response does not, to our functions on the same thread."""

    def make(original: Any) -> Any:
        def operation(self: Any) -> Any:
            _wishes.found = read(self)
            try:
                return original(self)
            finally:
                _wishes.found = {}

        return operation

    return make


def _wish(name: str, otherwise: Any) -> Any:
    return getattr(_wishes, "found", {}).get(name, otherwise)


def _wishes_of(response: Any) -> dict[str, Any]:
    wanted = response._get_param("OnFailure")
    disabled = response._get_bool_param("DisableRollback", False)
    on_failure = wanted or (DO_NOTHING if disabled else ROLLBACK)
    return {"on_failure": on_failure, **policy_wishes(response)}


def _retention_wish(response: Any) -> dict[str, Any]:
    return {"retained": response._get_param("RetainResources", [])}


def _create(flow: StackFlow, prepare: _Prepare) -> Any:
    def create_stack(
        self: Any,
        name: str,
        template: str,
        parameters: dict[str, Any],
        notification_arns: list[str] | None = None,
        tags: dict[str, str] | None = None,
        role_arn: str | None = None,
        **rest: Any,
    ) -> Any:
        from moto.cloudformation.exceptions import AlreadyExistsException
        from moto.cloudformation.models import Stack
        from moto.cloudformation.utils import generate_stack_id

        revision = prepare(self, template, parameters, tags)
        if name in [stack.name for stack in self.stacks.values()]:
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        make: Any = Stack  # an abstract class, says moto, and makes them all the same
        stack = make(
            stack_id=generate_stack_id(name, self.region_name, self.account_id),
            name=name,
            template=revision.text,
            parameters=revision.parameters,
            account_id=self.account_id,
            region_name=self.region_name,
            notification_arns=notification_arns,
            tags=revision.tags,
            role_arn=role_arn,
            cross_stack_resources=self.exports,
            **rest,
        )
        stack.policy = _wish("policy", None) or stack.policy
        self.stacks[stack.stack_id] = stack
        flow.create(stack, revision, _wish("on_failure", ROLLBACK))
        return stack

    return create_stack


def _create_hidden(flow: StackFlow) -> Any:
    def create_resources(self: Any) -> None:
        """A stack that moto makes without its backend, for a set of stacks."""
        flow.create(self, revision_of(self))

    return create_resources


def _update(flow: StackFlow, prepare: _Prepare) -> Any:
    def update_stack(
        self: Any,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Any:
        from moto.cloudformation.exceptions import ValidationError

        stack = self.get_stack(name)
        check_updatable(stack)
        before = revision_of(stack)
        revision = prepare(
            self,
            before.original if template == stack.template else template,
            _updated_parameters(before, parameters),
            before.tags if tags is None else tags,
        )
        if is_same(stack, revision, resolved(self, revision)):
            raise ValidationError(message="No updates are to be performed.")
        stack.role_arn = role_arn or stack.role_arn
        rolls_back = _wish("on_failure", ROLLBACK) == ROLLBACK
        policy = checked(_wish("policy_meanwhile", None)) or policy_of(stack)
        stack.policy = _wish("policy", None) or stack.policy
        flow.update(stack, revision, rolls_back=rolls_back, policy=policy)
        return stack

    return update_stack


def _updated_parameters(before: Revision, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Values for an update; a parameter that keeps its default value was never given."""
    new = {each["ParameterKey"]: each.get("ParameterValue") for each in wanted}
    kept = {each["ParameterKey"] for each in wanted if each.get("UsePreviousValue")}
    values = {name: value for name, value in new.items() if name not in kept}
    return values | {name: before.parameters[name] for name in kept if name in before.parameters}


def _delete(flow: StackFlow, remains: StackRemains) -> Any:
    def delete_stack(self: Any, name_or_stack_id: str) -> None:
        found = [
            stack
            for stack in self.stacks.values()
            if name_or_stack_id in (stack.name, stack.stack_id)
        ]
        for stack in found:
            flow.delete(stack, _wish("retained", []))
        if not found:
            name = name_or_stack_id
            remains.clear(StackName(account=self.account_id, region=self.region_name, name=name))

    return delete_stack
