"""Tags of everything that can have some, whatever store keeps it.

Source: spec/control-plane.md, Tags.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

from emulator.control.function import Function
from emulator.control.names import target
from emulator.control.policy import access_denied
from emulator.control.store import FunctionStore
from emulator.control.stores import Stores
from emulator.control.validation import check_tags, check_user_keys
from emulator.control.violations import invalid, not_implemented

TagSet = Mapping[str, str]

_ARN: Final = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[^:]+):(?P<account>\d{12})"
    r":(?P<kind>[a-z-]+):(?P<name>[^:]+)(?P<qualifier>:.+)?"
)


class TagHolder(Protocol):
    """A store whose entries have tags; a name is what stands last in their ARN.

    All raise LambdaError for an entry that is not there.
    """

    def tags(self, account: str, region: str, name: str) -> TagSet:
        """The tags of one entry."""

    def change_tags(
        self, account: str, region: str, name: str, change: Callable[[TagSet], TagSet]
    ) -> None:
        """Replace the tags of an entry by what `change` makes of them; raises what that raises."""

    def tagged(self, account: str, region: str) -> Iterable[tuple[str, TagSet]]:
        """ARN and tags of the entries of an account and region, also of those without tags."""


class Tags:
    """The tags of all resources, found by their ARN. Any thread may call."""

    def __init__(self, holders: Mapping[str, TagHolder]) -> None:
        """Know a holder for each kind of resource, by the word in its ARN."""
        self._holders = holders

    def of(self, caller: str, region: str, arn: str) -> TagSet:
        """The tags of a resource, as account `caller` may see them in `region`."""
        return self._holder(arn).tags(*_owned(caller, region, arn, "lambda:ListTags"))

    def add(self, caller: str, region: str, arn: str, added: TagSet) -> None:
        """Add tags, or give those that are there another value."""
        check_user_keys(added)

        def add(before: TagSet) -> TagSet:
            after = {**before, **added}
            check_tags(after)
            return after

        where = _owned(caller, region, arn, "lambda:TagResource")
        self._holder(arn).change_tags(*where, add)

    def remove(self, caller: str, region: str, arn: str, keys: Collection[str]) -> None:
        """Remove tags; a key that is not there is no error."""
        check_user_keys(keys)
        where = _owned(caller, region, arn, "lambda:UntagResource")
        self._holder(arn).change_tags(
            *where, lambda before: {key: before[key] for key in before if key not in keys}
        )

    def all(self, account: str, region: str) -> Iterable[tuple[str, TagSet]]:
        """ARN and tags of every resource of an account and region."""
        for holder in self._holders.values():
            yield from holder.tagged(account, region)

    def _holder(self, arn: str) -> TagHolder:
        kind = arn.split(":")[5]
        if kind not in self._holders:
            raise not_implemented(f"A tag of a {kind}", "Functions and mappings can have some.")
        return self._holders[kind]


def _owned(caller: str, region: str, arn: str, action: str) -> tuple[str, str, str]:
    """Account, region and name of a resource that the caller owns; raises LambdaError."""
    parts = _ARN.fullmatch(arn)
    if parts is None:
        raise invalid(f"{arn} is not the ARN of a resource that can have tags.")
    if parts["kind"] == "function":
        if parts["qualifier"]:
            raise invalid(
                "Tags on function aliases and versions are not supported. Please specify a"
                " function ARN."
            )
        target(caller, region, arn)  # refuses another region
    if (parts["account"], parts["region"]) != (caller, region):
        raise access_denied(caller, action, arn)
    return parts["account"], parts["region"], parts["name"]


class FunctionTags:
    """The tags of functions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def tags(self, account: str, region: str, name: str) -> TagSet:
        """The tags of one function."""
        return self._store.read(target(account, region, name), lambda function: function.tags)

    def change_tags(
        self, account: str, region: str, name: str, change: Callable[[TagSet], TagSet]
    ) -> None:
        """Replace the tags of a function; its RevisionId stays."""

        def replace(function: Function) -> None:
            function.tags = change(function.tags)

        self._store.change(target(account, region, name), replace)

    def tagged(self, account: str, region: str) -> Iterable[tuple[str, TagSet]]:
        """The functions of an account and region."""
        return self._store.select(
            account, region, lambda function: (function.latest.spec.arn, function.tags)
        )


def tags_of(stores: Stores) -> Tags:
    """The tags of everything that these stores keep."""
    return Tags(
        {
            "capacity-provider": stores.providers,
            "code-signing-config": stores.signing_configs,
            "event-source-mapping": stores.mappings,
            "function": FunctionTags(stores.functions),
        }
    )
