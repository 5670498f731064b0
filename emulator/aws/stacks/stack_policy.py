"""Stack policies: which resources of a stack an update may change, replace or delete.

Source: CloudFormation User Guide, prevent updates to stack resources.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.model.wildcard import wildcard, wildcard_regex

MOST_BYTES: Final = 16_384
_ELEMENTS: Final = frozenset(
    ("Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)
_OPERATORS: Final = ("StringEquals", "StringLike")
_KEY: Final = "ResourceType"  # the only one that a condition may test


class UpdateAction(StrEnum):
    """What an update does to a resource that is there."""

    MODIFY = "Update:Modify"
    REPLACE = "Update:Replace"
    DELETE = "Update:Delete"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Statement:
    """One statement. Patterns: any of them; of those after a Not, none."""

    allows: bool
    actions: tuple[str, ...]
    excepts_actions: bool
    resources: tuple[str, ...]
    excepts_resources: bool
    types: tuple[str, ...] | None  # None: whatever type a resource has

    def concerns(self, action: UpdateAction, logical_id: str, type_: str) -> bool:
        """Whether it says anything about this."""
        resource = f"LogicalResourceId/{logical_id}"
        return (
            _any_matches(self.actions, action.value) is not self.excepts_actions
            and _any_matches(self.resources, resource) is not self.excepts_resources
            and (self.types is None or _any_matches(self.types, type_))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPolicy:
    """What may be updated: what a statement allows and none denies."""

    statements: tuple[_Statement, ...]

    def denial(self, action: UpdateAction, logical_id: str, type_: str) -> str | None:
        """Why a resource cannot be updated so; None: it can."""
        is_allowed = False
        for number, statement in enumerate(self.statements, 1):
            if not statement.concerns(action, logical_id, type_):
                continue
            if not statement.allows:
                return (
                    f"Action denied by stack policy: Statement [#{number}] does not allow"
                    f" [{action.value}] for resource [{logical_id}]"
                )
            is_allowed = True
        if is_allowed:
            return None
        return (
            f"Action denied by stack policy: no statement allows [{action.value}] for resource"
            f" [{logical_id}]"
        )


def read_stack_policy(text: str) -> StackPolicy:
    """A policy from its JSON; raises TemplateProblem."""
    if len(text.encode()) > MOST_BYTES:
        raise _problem(f"it is longer than {MOST_BYTES} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _problem("it is no JSON") from error
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _problem("it has no Statement")
    return StackPolicy(statements=tuple(map(_statement, statements)))


def _statement(members: Any) -> _Statement:
    if not isinstance(members, Mapping):
        raise _problem("a Statement is no object")
    if unknown := members.keys() - _ELEMENTS:
        raise _problem(f"unknown element {min(unknown)}")
    if members.get("Effect") not in ("Allow", "Deny"):
        raise _problem("Effect is Allow or Deny")
    if members.get("Principal") not in ("*", {"AWS": "*"}):
        raise _problem("Principal is required, and is *")
    actions, excepts_actions = _patterns(members, "Action")
    resources, excepts_resources = _patterns(members, "Resource")
    if not all(each == "*" or each.startswith("Update:") for each in actions):
        raise _problem("Action is one of Update:Modify, Update:Replace, Update:Delete, Update:*")
    if not all(each == "*" or each.startswith("LogicalResourceId/") for each in resources):
        raise _problem("Resource is LogicalResourceId/ with a logical id, or *")
    return _Statement(
        allows=members["Effect"] == "Allow",
        actions=actions,
        excepts_actions=excepts_actions,
        resources=resources,
        excepts_resources=excepts_resources,
        types=_types(members.get("Condition")),
    )


def _patterns(members: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """The patterns of an element, or of its opposite; True: of its opposite."""
    given = [each for each in (name, f"Not{name}") if each in members]
    if len(given) != 1:
        raise _problem(f"either {name} or Not{name} is required")
    return _texts(members[given[0]], given[0]), given[0] != name


def _types(condition: Any) -> tuple[str, ...] | None:
    if condition is None:
        return None
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise _problem("Condition has one operator")
    ((operator, tested),) = condition.items()
    if operator not in _OPERATORS or not isinstance(tested, Mapping) or set(tested) != {_KEY}:
        raise _problem(f"Condition is {' or '.join(_OPERATORS)} of {_KEY}")
    return _texts(tested[_KEY], _KEY)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise _problem(f"{name} is a text, or a list of texts")
    return tuple(found)


def _any_matches(patterns: tuple[str, ...], text: str) -> bool:
    return any(wildcard_regex(wildcard(each)).fullmatch(text) for each in patterns)


def _problem(why: str) -> TemplateProblem:
    return TemplateProblem(f"Error validating stack policy: {why}.")
