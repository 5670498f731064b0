"""What stacks made that outlives the process, while moto forgets the stacks themselves.

A stack that is created again would find in its way what one of its name made before a restart:
functions with their aliases, permissions and mappings. So it is written down whose they are.
"""

import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

KIND: Final = "stack resource"  # of document
_OURS: Final = "AWS::Lambda::"  # the types of what is kept


class Keep(Protocol):
    """What `storage.Documents` is; see there."""

    def put(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Add or replace a document."""

    def delete(self, kind: str, key: str) -> None:
        """Remove a document."""

    def all(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Every document of a kind by its key."""


class KeepNothing:
    """Implements Keep."""

    def put(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Nothing is kept."""

    def delete(self, kind: str, key: str) -> None:
        """Nothing was kept."""

    def all(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """There is none."""
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class StackName:
    """Which stack something belongs to; what is in a nested stack, to the outermost one."""

    account: str
    region: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptResource:
    """One resource of a stack, with what it takes to delete it."""

    logical_id: str
    type: str
    physical_id: str
    address: Mapping[str, Any]  # members of requests that name it


class KeptStacks:
    """What stacks have made, kept in documents. The lock of CloudFormation guards it.

    What a full disk keeps from being written is missing: it is as if no stack had made it.
    """

    def __init__(self, documents: Keep) -> None:
        """Start with what earlier processes left. Raises StorageError."""
        self._documents = documents
        self._numbers = itertools.count()
        self._left: dict[StackName, list[KeptResource]] = {}
        kept = sorted(documents.all(KIND).values(), key=lambda each: int(each["number"]))
        for each in kept:
            self._numbers = itertools.count(each["number"] + 1)
            stack = StackName(**each["stack"])
            self._left.setdefault(stack, []).append(KeptResource(**each["resource"]))

    def left_by(self, stack: StackName) -> list[KeptResource]:
        """What a stack of this name made in an earlier process, the newest first."""
        return self._left.get(stack, [])[::-1]

    def keep(self, stack: StackName, resource: KeptResource) -> None:
        """Write down what a stack has made."""
        if resource.type.startswith(_OURS):
            plain = {name: getattr(resource, name) for name in KeptResource.__slots__}
            owner = {name: getattr(stack, name) for name in StackName.__slots__}
            document = {"number": next(self._numbers), "stack": owner, "resource": plain}
            with suppress(OSError):
                self._documents.put(KIND, _key(stack, resource), document)

    def drop(self, stack: StackName, resource: KeptResource) -> None:
        """Forget what is gone, or no longer its stack's."""
        if resource.type.startswith(_OURS):
            with suppress(OSError):
                self._documents.delete(KIND, _key(stack, resource))
            if resource in (left := self._left.get(stack, [])):
                left.remove(resource)

    def reset(self) -> None:
        """Forget all; whoever empties everything clears the documents, too."""
        self._left.clear()


def _key(stack: StackName, resource: KeptResource) -> str:
    parts = (stack.account, stack.region, stack.name, resource.logical_id, resource.physical_id)
    return "/".join(parts)
