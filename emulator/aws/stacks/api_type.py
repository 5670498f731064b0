"""Types of resources that one operation makes and another one removes, each told in a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    Wish,
    changed,
    require,
)

Answer = Mapping[str, Any]
Members = dict[str, Any]


def _properties(wish: Wish) -> Members:
    return dict(wish.properties)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiType(Kind):
    """Implements ResourceType by the operations of an API."""

    service: str
    create_with: str
    update_with: str = ""  # "": every change replaces it
    required: tuple[str, ...] = ()
    members: Callable[[Wish], Members] = _properties
    # What a property becomes in an update of a resource whose template has it no longer.
    defaults: Mapping[str, Any] = field(default_factory=dict)
    only_at_creation: frozenset[str] = frozenset()  # members that the update lacks
    only_at_update: Mapping[str, Any] = field(default_factory=dict)  # members that it adds
    made: Callable[[Wish, Members, Answer], Made]

    @override
    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of properties needs another resource in the place of this one."""
        if not self.update_with:
            return bool(changed(old, new))  # nothing, where only the tags of the stack are new
        return not self.replaced_by.isdisjoint(changed(old, new))

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Make one."""
        require(wish.properties, *self.required)
        members = self.members(wish)
        made = self.made(wish, members, call(self.service, self.create_with, members))
        note(made)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change one in place."""
        if not self.update_with:
            return made
        require(wish.properties, *self.required)
        gone = {name: self.defaults[name] for name in old if name in self.defaults}
        wanted = {**gone, **self.members(wish)}
        members = {
            name: value for name, value in wanted.items() if name not in self.only_at_creation
        }
        asked = {**members, **self.only_at_update, **made.address}
        answer = call(self.service, self.update_with, asked)
        return self.made(wish, {**members, **made.address}, answer)
