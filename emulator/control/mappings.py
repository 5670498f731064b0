"""Every event source mapping of every account and region."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.control.mapping import MappingConfiguration, configuration_of
from emulator.control.mapping_states import (
    IllegalTransition,
    MappingState,
    Signal,
    is_settled,
    step,
)
from emulator.model import Clock, LambdaError
from emulator.model.mapping import EventSourceMapping
from emulator.storage import Documents, StorageError

KIND: Final = "event source mapping"  # of document


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingChange:
    """What happened to one mapping; `old` and `new` are None where there is none."""

    old: EventSourceMapping | None = None
    new: EventSourceMapping | None = None


Listener = Callable[[MappingChange], None]


class MappingStore:
    """The mappings, isolated by account and region, kept in `Documents`.

    Any thread may call. `_lock` guards the tables; listeners are called outside it, on the thread
    that made the change. Who polls is none of its business: a listener starts and stops pollers.
    """

    def __init__(
        self,
        clock: Clock,
        documents: Documents | None = None,
        *,
        immediate_states: bool = False,
        transition_s: float = 0.0,
    ) -> None:
        """Start with what the documents hold; the other arguments as `FunctionStore` has them.

        Raises StorageError.
        """
        self._clock = clock
        self._documents = documents or Documents()
        self._immediate_states = immediate_states
        self._transition_s = transition_s
        self._listeners: list[Listener] = []
        self._last_result: Callable[[str], str | None] = lambda _: None
        self._lock = threading.Lock()
        self._found = {
            uuid: _restored(uuid, kept) for uuid, kept in self._documents.all(KIND).items()
        }
        self._settles_at: dict[str, float] = {}  # on Clock.monotonic, of those on their way

    def create(
        self, mapping: EventSourceMapping, tags: Mapping[str, str] | None = None
    ) -> MappingConfiguration:
        """Add a mapping. Raises ResourceConflictException when its like exists."""
        # A queue that nobody is to read needs no preparation.
        is_idle = mapping.service == "sqs" and not mapping.is_enabled
        made = MappingConfiguration(
            mapping=mapping,
            state=MappingState.DISABLED if is_idle else MappingState.CREATING,
            modified_at=self._clock.now(),
            tags=dict(tags or {}),
        )
        with self._lock:
            self._check_unique(mapping)
            made = self._keep(made)
        self._tell(MappingChange(new=mapping))
        return made

    def update(
        self,
        account: str,
        region: str,
        uuid: str,
        change: Callable[[EventSourceMapping], EventSourceMapping],
    ) -> MappingConfiguration:
        """Replace a mapping by what `change` makes of it; raises what that raises."""
        with self._lock:
            shown = self._get(account, region, uuid)
            old = shown.mapping
            new = change(old)
            self._check_unique(new)
            signal = Signal.UPDATE
            if new.is_enabled != old.is_enabled:
                signal = Signal.ENABLE if new.is_enabled else Signal.DISABLE
            state = _stepped(shown.state, signal, "update")
            updated = self._keep(
                replace(shown, mapping=new, state=state, modified_at=self._clock.now())
            )
        self._tell(MappingChange(old=old, new=new))
        return updated

    def delete(self, account: str, region: str, uuid: str) -> MappingConfiguration:
        """Take a mapping away; returns how it looks while it goes."""
        with self._lock:
            shown = self._get(account, region, uuid)
            state = _stepped(shown.state, Signal.DELETE, "delete")
            going = self._keep(replace(shown, state=state))
        self._tell(MappingChange(old=shown.mapping))
        return going

    def tags(self, account: str, region: str, uuid: str) -> Mapping[str, str]:
        """The tags of one mapping."""
        return self.get(account, region, uuid).tags

    def change_tags(
        self,
        account: str,
        region: str,
        uuid: str,
        change: Callable[[Mapping[str, str]], Mapping[str, str]],
    ) -> None:
        """Replace the tags of a mapping; who polls has nothing to do with them."""
        with self._lock:
            shown = self._get(account, region, uuid)
            changed = replace(shown, tags=dict(change(shown.tags)))
            if not (shown.is_declared or shown.state is MappingState.DELETING):
                self._documents.put(KIND, uuid, changed.document())
            self._found[uuid] = changed

    def tagged(self, account: str, region: str) -> list[tuple[str, Mapping[str, str]]]:
        """ARN and tags of the mappings of an account and region."""
        return [(shown.arn, shown.tags) for shown in self.list_mappings(account, region)]

    def declare(self, mapping: EventSourceMapping) -> None:
        """Have a mapping exist that a project's file names; the file keeps it, not we."""
        state = MappingState.ENABLED if mapping.is_enabled else MappingState.DISABLED
        with self._lock:
            before = self._found.get(mapping.uuid)
            self._found[mapping.uuid] = MappingConfiguration(
                mapping=mapping,
                state=state,
                modified_at=self._clock.now(),
                is_declared=True,
            )
            self._settles_at.pop(mapping.uuid, None)
        self._tell(MappingChange(old=before.mapping if before else None, new=mapping))

    def withdraw(self, uuid: str) -> None:
        """Take back `declare`; a mapping that is gone is no error."""
        with self._lock:
            before = self._found.pop(uuid, None)
            self._settles_at.pop(uuid, None)
        if before and before.state is not MappingState.DELETING:
            self._tell(MappingChange(old=before.mapping))

    def reset(self) -> None:
        """Forget every mapping."""
        with self._lock:
            gone = list(self._found)
        for uuid in gone:
            self._documents.delete(KIND, uuid)
            self.withdraw(uuid)

    # What is there.

    def get(self, account: str, region: str, uuid: str) -> MappingConfiguration:
        """One mapping; raises ResourceNotFoundException."""
        with self._lock:
            return self._get(account, region, uuid)

    def list_mappings(self, account: str, region: str) -> list[MappingConfiguration]:
        """The mappings of an account and region by their UUIDs."""
        with self._lock:
            for uuid in list(self._settles_at):
                self._settle(uuid)
            return [
                shown
                for _, shown in sorted(self._found.items())
                if (shown.mapping.account, shown.mapping.region) == (account, region)
            ]

    def all(self) -> list[EventSourceMapping]:
        """Every mapping but those that are being deleted."""
        with self._lock:
            return [
                shown.mapping
                for shown in self._found.values()
                if shown.state is not MappingState.DELETING
            ]

    def find(self, uuid: str) -> EventSourceMapping | None:
        """One mapping of whatever account; None when it is gone or going."""
        with self._lock:
            shown = self._found.get(uuid)
            is_there = shown is not None and shown.state is not MappingState.DELETING
            return shown.mapping if shown and is_there else None

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    # LastProcessingResult is the pollers' to tell.

    def ask_for_results(self, last_result: Callable[[str], str | None]) -> None:
        """Have `last_result` say what became of a mapping's last batch; None: there was none."""
        self._last_result = last_result

    def last_result(self, uuid: str) -> str | None:
        """LastProcessingResult of a mapping, if there is anything to tell."""
        return self._last_result(uuid)

    # Under the lock.

    def _get(self, account: str, region: str, uuid: str) -> MappingConfiguration:
        self._settle(uuid)
        shown = self._found.get(uuid)
        if shown is None or (shown.mapping.account, shown.mapping.region) != (account, region):
            raise LambdaError(
                "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return shown

    def _keep(self, shown: MappingConfiguration) -> MappingConfiguration:
        """Keep a mapping that has just changed; returns how the answer shows it."""
        uuid = shown.mapping.uuid
        # First: a change that cannot be written is not made.
        if shown.state is MappingState.DELETING:
            self._documents.delete(KIND, uuid)
        elif not shown.is_declared:
            self._documents.put(KIND, uuid, shown.document())
        self._found[uuid] = shown
        self._settles_at[uuid] = self._clock.monotonic() + self._transition_s
        if self._immediate_states:
            self._settle(uuid, now=True)
        return self._found.get(uuid, shown)

    def _settle(self, uuid: str, *, now: bool = False) -> None:
        settles_at = self._settles_at.get(uuid)
        if settles_at is None or (self._clock.monotonic() < settles_at and not now):
            return
        del self._settles_at[uuid]
        shown = self._found[uuid]
        if shown.state is MappingState.DELETING:
            del self._found[uuid]
        elif not is_settled(shown.state):
            signal = Signal.STARTED if shown.mapping.is_enabled else Signal.STOPPED
            self._found[uuid] = replace(shown, state=step(shown.state, signal))

    def _check_unique(self, mapping: EventSourceMapping) -> None:
        for uuid in list(self._settles_at):
            self._settle(uuid)
        for shown in self._found.values():
            other = shown.mapping
            if other.uuid != mapping.uuid and _is_the_same(other, mapping):
                raise LambdaError("ResourceConflictException", _conflict(other))

    def _tell(self, change: MappingChange) -> None:
        for listener in self._listeners:
            listener(change)


def _restored(uuid: str, document: Mapping[str, Any]) -> MappingConfiguration:
    try:
        return configuration_of(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"event source mapping {uuid} cannot be read: {error!r}") from error


def _is_the_same(one: EventSourceMapping, other: EventSourceMapping) -> bool:
    return (one.source_arn, one.function_arn) == (other.source_arn, other.function_arn)


def _conflict(existing: EventSourceMapping) -> str:
    name = existing.function_arn.split(":", 6)[6]
    told = f'arn (" {existing.source_arn} ") and function (" {name} ")'
    what = (
        f"An event source mapping with SQS {told} already exists."
        if existing.service == "sqs"
        else f"The event source {told} provided mapping already exists."
    )
    return f"{what} Please update or delete the existing mapping with UUID {existing.uuid}"


def _stepped(state: MappingState, signal: Signal, action: str) -> MappingState:
    try:
        return step(state, signal)
    except IllegalTransition:
        text = f"Cannot {action} the event source mapping because it is in use."
        raise LambdaError("ResourceInUseException", text) from None
