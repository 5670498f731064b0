"""What a change of a stack needs to know of a type of resource."""

import random
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

_SUFFIX: Final = string.ascii_letters + string.digits
_SUFFIX_LENGTH: Final = 12


class ResourceProblem(Exception):
    """A resource could not be made, changed or deleted; the text is its status reason."""

    def __init__(self, reason: str, *, is_missing: bool = False) -> None:
        super().__init__(reason)
        self.is_missing = is_missing  # there is no such resource (any more)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a template wants one resource to be, all functions in it resolved."""

    logical_id: str
    name: str  # what the template calls it, or what was generated
    properties: Mapping[str, Any]
    account: str
    region: str
    stack_id: str
    endpoint: str  # of the emulator
    tags: Mapping[str, str]  # of the stack; they become the resource's, too


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One resource that exists."""

    physical_id: str  # what Ref returns
    attributes: Mapping[str, Any]  # what Fn::GetAtt returns
    address: Mapping[str, Any] = field(default_factory=dict)  # members of requests that name it


Call = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""service, operation, properties -> the answer; raises ResourceProblem."""

Note = Callable[[Made], None]
"""Takes what exists from now on, whatever becomes of the rest of its creation."""


class ResourceType(Protocol):
    """How resources of one type are made. Raise ResourceProblem."""

    @property
    def name_property(self) -> str:
        """The property with its name; "": it has no name of its own."""

    @property
    def name_length(self) -> int:
        """Characters that a name may have."""

    @property
    def attributes(self) -> frozenset[str]:
        """What Fn::GetAtt knows."""

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of properties needs another resource in the place of this one."""

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Make one."""

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change one in place; old: its properties until now."""

    def delete(self, made: Made, call: Call) -> None:
        """Remove one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What types of resources have in common: facts about them, and how one is deleted."""

    service: str = ""  # whose operation `delete_with` is; both "" where `delete` does more
    delete_with: str = ""
    name_property: str = ""
    name_length: int = 64
    attributes: frozenset[str] = frozenset()
    replaced_by: frozenset[str] = frozenset()  # properties whose change needs another resource

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of properties needs another resource in the place of this one."""
        return not self.replaced_by.isdisjoint(changed(old, new))

    def delete(self, made: Made, call: Call) -> None:
        """Remove one; what is gone already is no problem."""
        with unless_gone():
            call(self.service, self.delete_with, made.address)


@contextmanager
def unless_gone() -> Iterator[None]:
    """Delete within it: what is gone already is no problem."""
    try:
        yield
    except ResourceProblem as problem:
        if not problem.is_missing:
            raise


def generated_name(stack: str, logical_id: str, length: int) -> str:
    """A physical name as CloudFormation makes one: STACK-RESOURCE-RANDOM, cut to a length."""
    suffix = "".join(random.choices(_SUFFIX, k=_SUFFIX_LENGTH))  # no secret
    room = length - _SUFFIX_LENGTH - 2
    resource = logical_id[: max(room - len(stack), room // 2)]
    return f"{stack[: room - len(resource)]}-{resource}-{suffix}"


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Names of the properties that differ."""
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def tags_of(wish: Wish) -> dict[str, str]:
    """A resource's tags with those of its stack; its own win."""
    own = {str(each["Key"]): str(each["Value"]) for each in wish.properties.get("Tags", [])}
    return {**wish.tags, **own}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def require(properties: Mapping[str, Any], *names: str) -> None:
    """Raise ResourceProblem when one of these is missing."""
    for name in names:
        if name not in properties:
            raise ResourceProblem(f"Properties validation failed: required key [{name}] not found")
