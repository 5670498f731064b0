"""What one change of a stack does to its resources, in the order of their dependencies."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emulator.aws.kept_stacks import KeptStacks, StackName
from emulator.aws.patches.stack_map import MapScope
from emulator.aws.patches.stack_resources import Handler, Thing, kept_resource, reason_of
from emulator.aws.stacks.intrinsics import resolve
from emulator.aws.stacks.resource_type import Wish
from emulator.aws.stacks.stack_policy import StackPolicy, UpdateAction
from emulator.aws.stacks.template import order

_RESOURCES: Final = "emulator_resources"  # attributes of moto's stack
_ORPHANS: Final = "emulator_orphans"
_REPLACEMENT: Final = (
    "Requested update requires the creation of a new physical resource; hence creating one."
)


class StackProblem(Exception):
    """A change of a stack failed; the text is the stack's status reason."""


@dataclass(slots=True)
class StackResource:
    """One resource of a stack. The lock of CloudFormation guards it."""

    logical_id: str
    type: str
    definition: Mapping[str, Any]  # as the template has it
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)  # as last asked for
    tags: Mapping[str, str] = field(default_factory=dict)  # the stack's, likewise
    thing: Thing | None = None  # None: there is none (yet, or any more)
    status: str = ""
    reason: str | None = None
    changed_at: datetime | None = None

    @property
    def physical_id(self) -> str:
        """What Ref returns; "" while there is none."""
        return str(getattr(self.thing, "physical_resource_id", "") or "")


def resources_of(stack: Any) -> dict[str, StackResource]:
    """Resources of a stack of moto's, by logical id, also those that could not be made."""
    found: dict[str, StackResource] = stack.__dict__.setdefault(_RESOURCES, {})
    return found


def _orphans_of(stack: Any) -> list[StackResource]:
    """What changes that failed have left behind, oldest first: the template has it no longer."""
    found: list[StackResource] = stack.__dict__.setdefault(_ORPHANS, [])
    return found


class StackChange:
    """One change of one stack. Runs on one thread, with the lock of CloudFormation held.

    check: called before each step; raises `Abandoned` when nobody wants the change any more.
    endpoint: of the emulator. name: of the outermost stack. policy: of an update; None: it may do
    anything.
    """

    def __init__(
        self,
        stack: Any,
        handler_of: Callable[[str], Handler],
        check: Callable[[], None],
        endpoint: str,
        kept: KeptStacks,
        name: StackName,
        policy: StackPolicy | None = None,
    ) -> None:
        self._stack = stack
        self._handler_of = handler_of
        self._check = check
        self._endpoint = endpoint
        self._kept = kept
        self._name = name
        self._policy = policy
        self._resources = resources_of(stack)
        self._orphans = _orphans_of(stack)
        self._replaced: list[StackResource] = []  # their successors exist
        self._added: list[StackResource] = []

    def make(self) -> None:
        """Bring every resource to what the stack's template says; raises StackProblem.

        What the template has no longer stays until `clean_up`.
        """
        self._stack.resource_map._parsed_resources.update(
            {each.logical_id: each.thing for each in self._resources.values() if each.thing}
        )
        for each in self._gone():
            self._check_policy(UpdateAction.DELETE, each)
        definitions = self._stack.template_dict["Resources"]
        for name in order(definitions):
            self._check()
            if self._is_wanted(definitions[name]):
                self._make_one(name, definitions[name])

    def give_up(self) -> None:
        """Leave it as it is: what was replaced goes with the next change that succeeds."""
        self._orphans += self._replaced
        self._replaced = []

    def clean_up(self) -> None:
        """Remove what was replaced and what the template has no longer; failures are told."""
        gone = self._gone()
        self._remove(self._replaced, policy="UpdateReplacePolicy")
        self._remove(gone)
        self._replaced = []
        self._remove_orphans()

    def take_back(self, previous: Callable[[], None]) -> None:
        """Undo `make`: `previous` sets the template and the parameters that the stack had.

        Raises StackProblem when the stack cannot be brought back.
        """
        added, replaced = self._added, self._replaced
        self._added, self._replaced, self._policy = [], [], None
        for each in added:
            self._resources.pop(each.logical_id, None)
        self._resources.update({old.logical_id: old for old in replaced})
        previous()
        try:
            self.make()
        except StackProblem:
            self._orphans += [*added, *self._replaced]
            raise
        self._remove(added, policy="")

    def delete(self, retained: Iterable[str] = (), *, is_rollback: bool = False) -> None:
        """Remove every resource but those to be retained; raises StackProblem."""
        left = [each for each in self._resources.values() if each.logical_id not in retained]
        failed = [*self._remove(left, is_rollback=is_rollback), *self._remove_orphans()]
        if failed:
            raise StackProblem(
                f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            )

    def _gone(self) -> list[StackResource]:
        """What the template has no longer."""
        definitions = self._stack.template_dict["Resources"]
        return [
            each
            for name, each in self._resources.items()
            if name not in definitions or not self._is_wanted(definitions[name])
        ]

    # One resource.

    def _is_wanted(self, definition: Mapping[str, Any]) -> bool:
        condition = definition.get("Condition")
        return condition is None or MapScope(self._stack.resource_map).condition(condition)

    def _make_one(self, name: str, definition: Mapping[str, Any]) -> None:
        existing = self._resources.get(name)
        if existing is None or existing.thing is None:
            self._create(StackResource(name, definition["Type"], definition))
            return
        properties = self._resolved(existing, definition)
        if existing.type != definition["Type"]:
            self._replace(existing, definition)
        elif properties == existing.properties and existing.tags == self._stack.tags:
            existing.definition = definition
        elif self._handler_of(existing.type).is_replaced(existing.properties, properties):
            self._replace(existing, definition)
        else:
            self._update(existing, definition, properties)

    def _resolved(
        self, resource: StackResource, definition: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Properties with every function in them resolved."""
        try:
            found: Mapping[str, Any] = resolve(
                definition.get("Properties") or {}, MapScope(self._stack.resource_map)
            )
        except Exception as error:  # an attribute of moto's may raise anything
            self._tell(resource, "UPDATE_FAILED" if resource.thing else "CREATE_FAILED", error)
            raise self._failed("update" if resource.thing else "create", resource) from error
        return found

    def _check_policy(self, action: UpdateAction, resource: StackResource) -> None:
        if self._policy is None or resource.thing is None:
            return
        denial = self._policy.denial(action, resource.logical_id, resource.type)
        if denial is not None:
            self._tell(resource, "UPDATE_FAILED", denial)
            raise self._failed("update", resource)

    def _create(self, resource: StackResource) -> None:
        self._resources[resource.logical_id] = resource
        self._added.append(resource)
        resource.properties = self._resolved(resource, resource.definition)
        self._tell(resource, "CREATE_IN_PROGRESS")
        try:
            handler = self._handler_of(resource.type)
            given = handler.given_name(resource.properties)
            resource.name = given or handler.new_name(self._stack.name, resource.logical_id)
            thing = handler.create(
                self._wish(resource, resource.properties), lambda thing: self._note(resource, thing)
            )
        except Exception as error:  # moto raises anything; the stack says it
            self._tell(resource, "CREATE_FAILED", error)
            raise self._failed("create", resource) from error
        self._note(resource, thing)
        self._tell(resource, "CREATE_COMPLETE")

    def _replace(self, old: StackResource, definition: Mapping[str, Any]) -> None:
        self._check_policy(UpdateAction.REPLACE, old)
        self._tell(old, "UPDATE_IN_PROGRESS", _REPLACEMENT)
        self._replaced.append(old)
        new = StackResource(old.logical_id, definition["Type"], definition)
        self._create(new)
        self._tell(new, "UPDATE_COMPLETE")

    def _update(
        self, resource: StackResource, definition: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> None:
        self._check_policy(UpdateAction.MODIFY, resource)
        self._tell(resource, "UPDATE_IN_PROGRESS")
        # As asked for from now on, even if it fails half-way: a rollback has to change it back.
        old, resource.properties = resource.properties, properties
        try:
            handler = self._handler_of(resource.type)
            resource.name = handler.given_name(properties) or resource.name
            thing = handler.update(resource.thing, old, self._wish(resource, properties))
        except Exception as error:  # moto raises anything; the stack says it
            self._tell(resource, "UPDATE_FAILED", error)
            raise self._failed("update", resource) from error
        resource.definition = definition
        self._note(resource, thing)
        self._tell(resource, "UPDATE_COMPLETE")

    def _remove(
        self,
        resources: Iterable[StackResource],
        policy: str = "DeletionPolicy",
        *,
        is_rollback: bool = False,
    ) -> list[str]:
        """Remove resources, dependents first; returns the names of those that would not go."""
        by_name = {each.logical_id: each for each in resources}
        failed = []
        for name in reversed(order({key: each.definition for key, each in by_name.items()})):
            self._check()
            if not self._remove_one(by_name[name], policy, is_rollback=is_rollback):
                failed.append(name)
        return failed

    def _remove_orphans(self) -> list[str]:
        """Remove what was left behind; returns the names of those that would not go."""
        left = [
            each
            for each in reversed(self._orphans)
            if not self._remove_one(each, "UpdateReplacePolicy", is_rollback=False)
        ]
        self._orphans[:] = reversed(left)
        return [each.logical_id for each in left]

    def _remove_one(self, resource: StackResource, policy: str, *, is_rollback: bool) -> bool:
        if resource.thing is not None:
            keeps = ("Retain",) if is_rollback else ("Retain", "RetainExceptOnCreate")
            if policy and resource.definition.get(policy) in keeps:
                self._tell(resource, "DELETE_SKIPPED")
            else:
                self._tell(resource, "DELETE_IN_PROGRESS")
                try:
                    is_gone = self._handler_of(resource.type).delete(
                        resource.thing, self._wish(resource, resource.properties)
                    )
                except Exception as error:  # noqa: BLE001  # moto raises anything
                    self._tell(resource, "DELETE_FAILED", error)
                    return False
                if is_gone:
                    self._tell(resource, "DELETE_COMPLETE")
                else:
                    self._tell(
                        resource, "DELETE_SKIPPED", f"The emulator cannot delete {resource.type}."
                    )
        self._forget(resource)
        return True

    def _forget(self, resource: StackResource) -> None:
        name = resource.logical_id
        if self._resources.get(name) is resource:
            del self._resources[name]
            self._stack.resource_map._parsed_resources.pop(name, None)
        if kept := kept_resource(name, resource.type, resource.thing):
            self._kept.drop(self._name, kept)
        resource.thing = None

    def _note(self, resource: StackResource, thing: Thing) -> None:
        resource.thing = thing
        self._stack.resource_map._parsed_resources[resource.logical_id] = thing
        if kept := kept_resource(resource.logical_id, resource.type, thing):
            self._kept.keep(self._name, kept)

    def _wish(self, resource: StackResource, properties: Mapping[str, Any]) -> Wish:
        stack = self._stack
        resource.tags = dict(stack.tags or {})
        return Wish(
            logical_id=resource.logical_id,
            name=resource.name,
            properties=properties,
            account=stack.account_id,
            region=stack.region_name,
            stack_id=stack.stack_id,
            endpoint=self._endpoint,
            tags=resource.tags,
        )

    def _failed(self, doing: str, resource: StackResource) -> StackProblem:
        return StackProblem(
            f"The following resource(s) failed to {doing}: [{resource.logical_id}]. "
        )

    def _tell(
        self, resource: StackResource, status: str, why: str | Exception | None = None
    ) -> None:
        """Set a resource's status and add the event to its stack."""
        from moto.cloudformation.models import Event

        resource.status = status
        resource.reason = reason_of(why) if isinstance(why, Exception) else why
        happened = Event(
            stack_id=self._stack.stack_id,
            stack_name=self._stack.name,
            logical_resource_id=resource.logical_id,
            physical_resource_id=resource.physical_id,
            resource_type=resource.type,
            resource_status=status,
            resource_status_reason=resource.reason,
            resource_properties=json.dumps(resource.properties, default=str),
        )
        resource.changed_at = happened.timestamp
        self._stack.events.append(happened)
