"""Resources of stacks: ours, and what moto has classes for, handled alike."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.aws.custom_resources import CustomResourceError
from emulator.aws.kept_stacks import KeptResource
from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.aws.stacks.resource_type import (
    Call,
    Made,
    ResourceProblem,
    ResourceType,
    Wish,
    generated_name,
)

Thing = Any
"""What stands for a resource in moto's map of a stack: an object of moto's, or OwnResource."""


class OwnResource:
    """One resource that we made, with the attributes that moto looks for."""

    def __init__(self, made: Made) -> None:
        self.made = made

    @property
    def physical_resource_id(self) -> str:
        """What Ref returns."""
        return self.made.physical_id

    def get_cfn_attribute(self, attribute: str) -> Any:
        """What Fn::GetAtt returns."""
        return self.made.attributes[attribute]


def kept_resource(logical_id: str, resource_type: str, thing: Thing) -> KeptResource | None:
    """What is to be kept of a resource; None: it does not outlive the process."""
    if not isinstance(thing, OwnResource):
        return None
    made = thing.made
    return KeptResource(
        logical_id=logical_id,
        type=resource_type,
        physical_id=made.physical_id,
        address=made.address,
    )


class Handler(Protocol):
    """Makes, changes and removes the resources of one type."""

    def given_name(self, properties: Mapping[str, Any]) -> str | None:
        """What the template calls it; None: it leaves that to CloudFormation."""

    def new_name(self, stack: str, logical_id: str) -> str:
        """What CloudFormation makes up."""

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change needs another resource."""

    def create(self, wish: Wish, note: Callable[[Thing], None]) -> Thing:
        """Make one; `note` takes what is there from now on, even if the rest fails."""

    def update(self, thing: Thing, old: Mapping[str, Any], wish: Wish) -> Thing:
        """Change one in place."""

    def delete(self, thing: Thing, wish: Wish) -> bool:
        """Remove one; False: it cannot be removed, and stays."""


@dataclass(frozen=True, slots=True)
class OwnHandler:
    """For the types that we have."""

    kind: ResourceType
    call: Call

    def given_name(self, properties: Mapping[str, Any]) -> str | None:
        """What the template calls it."""
        given = properties.get(self.kind.name_property) if self.kind.name_property else None
        return str(given) if given else None

    def new_name(self, stack: str, logical_id: str) -> str:
        """What CloudFormation makes up."""
        return generated_name(stack, logical_id, self.kind.name_length)

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change needs another resource."""
        return self.kind.is_replaced(old, new)

    def create(self, wish: Wish, note: Callable[[Thing], None]) -> Thing:
        """Make one."""
        made = self.kind.create(wish, self.call, lambda made: note(OwnResource(made)))
        return OwnResource(made)

    def update(self, thing: Thing, old: Mapping[str, Any], wish: Wish) -> Thing:
        """Change one in place."""
        return OwnResource(self.kind.update(thing.made, old, wish, self.call))

    def delete(self, thing: Thing, wish: Wish) -> bool:
        """Remove one."""
        self.kind.delete(thing.made, self.call)
        return True


@dataclass(frozen=True, slots=True)
class MotoHandler:
    """For the types that moto has; it decides by itself what a change replaces."""

    resource_class: Any
    resource_type: str

    def given_name(self, properties: Mapping[str, Any]) -> str | None:
        """What the template calls it."""
        # Custom resources, and what AWS names by itself, have no such property.
        given = properties.get(self.resource_class.cloudformation_name_type() or "")
        return str(given) if given else None

    def new_name(self, stack: str, logical_id: str) -> str:
        """What moto makes up."""
        from moto.cloudformation.parsing import generate_resource_name

        return str(generate_resource_name(self.resource_type, stack, logical_id))

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Never, as far as we are concerned."""
        return False

    def create(self, wish: Wish, note: Callable[[Thing], None]) -> Thing:
        """Make one."""
        thing = self.resource_class.create_from_cloudformation_json(
            wish.name,
            self._document(wish),
            wish.account,
            wish.region,
            LogicalId=wish.logical_id,
            StackId=wish.stack_id,
            ResourceType=self.resource_type,
            note=note,
        )
        _tag_in_ec2(thing, wish)
        return self._labelled(thing, wish)

    def update(self, thing: Thing, old: Mapping[str, Any], wish: Wish) -> Thing:
        """Change one, if moto can; a stack's new tags alone need no change."""
        if old == wish.properties:
            return thing
        if _is_abstract(self.resource_class.update_from_cloudformation_json):
            raise ResourceProblem(
                f"The emulator cannot change a {self.resource_type} that exists. Give the resource"
                " another logical ID to have it made anew."
            )
        made = self.resource_class.update_from_cloudformation_json(
            original_resource=thing,
            new_resource_name=wish.name,
            cloudformation_json=self._document(wish),
            account_id=wish.account,
            region_name=wish.region,
        )
        return self._labelled(made, wish)

    def delete(self, thing: Thing, wish: Wish) -> bool:
        """Remove one by whichever way its class has."""
        if hasattr(thing, "delete"):
            try:
                thing.delete(wish.account, wish.region)
                return True
            except TypeError:  # some take nothing
                pass
        if _is_abstract(self.resource_class.delete_from_cloudformation_json):
            return False
        name = getattr(thing, "physical_resource_id", None)
        self.resource_class.delete_from_cloudformation_json(
            name, self._document(wish), wish.account, wish.region
        )
        return True

    def _document(self, wish: Wish) -> dict[str, Any]:
        # moto writes into what it is given, which would look like a change at the next update
        return {"Type": self.resource_type, "Properties": deepcopy(dict(wish.properties))}

    def _labelled(self, thing: Thing, wish: Wish) -> Thing:
        thing.cf_resource_type = self.resource_type
        thing.logical_resource_id = wish.logical_id
        return thing


def _tag_in_ec2(thing: Thing, wish: Wish) -> None:
    """Tag what EC2 tags, as CloudFormation does."""
    from moto.ec2.models import ec2_backends
    from moto.ec2.models.core import TaggedEC2Resource

    if isinstance(thing, TaggedEC2Resource):
        physical_id = getattr(thing, "physical_resource_id", "")
        tags = {
            **wish.tags,
            "aws:cloudformation:stack-name": wish.stack_id.split("/")[1],
            "aws:cloudformation:stack-id": wish.stack_id,
            "aws:cloudformation:logical-id": wish.logical_id,
        }
        backend = ec2_backends[wish.account][wish.region]
        backend.create_tags([physical_id], tags)


def _is_abstract(method: Any) -> bool:
    return getattr(method, "__isabstractmethod__", False)


class NoHandler:
    """For the types that need nothing to be done."""

    def given_name(self, properties: Mapping[str, Any]) -> str | None:
        """It has none."""
        return None

    def new_name(self, stack: str, logical_id: str) -> str:
        """What CloudFormation makes up."""
        return generated_name(stack, logical_id, 64)

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Never."""
        return False

    def create(self, wish: Wish, note: Callable[[Thing], None]) -> Thing:
        """It has an id and that is all."""
        return OwnResource(Made(physical_id=wish.name, attributes={}))

    def update(self, thing: Thing, old: Mapping[str, Any], wish: Wish) -> Thing:
        """Nothing to do."""
        return thing

    def delete(self, thing: Thing, wish: Wish) -> bool:
        """Nothing to do."""
        return True


def reason_of(error: Exception) -> str:
    """Why a resource failed, whatever moto raised."""
    if isinstance(error, ResourceProblem | CustomResourceError | TemplateProblem):
        return str(error)
    message = getattr(error, "message", None) or getattr(error, "description", None)
    return str(message) if message else f"{type(error).__name__}: {error}"
