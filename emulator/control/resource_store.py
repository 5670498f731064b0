"""Resources that functions refer to by ARN: one table for each kind, kept in `Documents`."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from emulator.model import Clock, LambdaError
from emulator.storage import Documents, StorageError, from_document, to_document

TagSet = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource(ABC):
    """One resource of an account and region."""

    account: str
    region: str
    modified_at: float  # seconds since the epoch
    tags: TagSet = field(default_factory=dict)

    @property
    @abstractmethod
    def arn(self) -> str:
        """Its ARN."""


R = TypeVar("R", bound=Resource)


class ResourceStore(ABC, Generic[R]):
    """The resources of one kind in every account and region, by ARN; a `tags.TagHolder`.

    Any thread may call. `_lock` guards the table; it is held while a change is written.
    """

    def __init__(self, made_of: type[R], kind: str, clock: Clock, documents: Documents) -> None:
        """Start with what the documents of that kind hold. Raises StorageError."""
        self._kind = kind
        self._clock = clock
        self._documents = documents
        self._lock = threading.Lock()
        self._found = {
            arn: self._restored(made_of, arn, kept) for arn, kept in documents.all(kind).items()
        }

    @abstractmethod
    def arn_of(self, account: str, region: str, name: str) -> str:
        """The ARN of the resource that has a name."""

    @abstractmethod
    def not_found(self, arn: str) -> LambdaError:
        """The answer for an ARN that no resource has."""

    def find(self, arn: str) -> R | None:
        """A resource; None: there is none of that ARN."""
        with self._lock:
            return self._found.get(arn)

    def get(self, arn: str) -> R:
        """A resource; raises ResourceNotFoundException."""
        with self._lock:
            return self._existing(arn)

    def of(self, account: str, region: str) -> list[R]:
        """The resources of an account and region by ARN."""
        with self._lock:
            found = [each for _, each in sorted(self._found.items())]
        return [each for each in found if (each.account, each.region) == (account, region)]

    def delete(self, arn: str) -> R:
        """Take a resource away and return it."""
        with self._lock:
            gone = self._existing(arn)
            self._documents.delete(self._kind, arn)
            del self._found[arn]
        return gone

    def reset(self) -> None:
        """Forget all; whoever empties everything clears the documents, too."""
        with self._lock:
            self._found.clear()

    def tags(self, account: str, region: str, name: str) -> TagSet:
        """The tags of one resource."""
        return self.get(self.arn_of(account, region, name)).tags

    def change_tags(
        self, account: str, region: str, name: str, change: Callable[[TagSet], TagSet]
    ) -> None:
        """Replace the tags of a resource."""
        with self._lock:
            before = self._existing(self.arn_of(account, region, name))
            self._keep(replace(before, tags=dict(change(before.tags))))

    def tagged(self, account: str, region: str) -> list[tuple[str, TagSet]]:
        """ARN and tags of the resources of an account and region."""
        return [(each.arn, each.tags) for each in self.of(account, region)]

    def _restored(self, made_of: type[R], arn: str, document: Mapping[str, Any]) -> R:
        try:
            return from_document(made_of, document)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(f"{self._kind} {arn} cannot be read: {error!r}") from error

    # Under the lock.

    def _existing(self, arn: str) -> R:
        if arn not in self._found:
            raise self.not_found(arn)
        return self._found[arn]

    def _keep(self, resource: R) -> None:
        self._documents.put(self._kind, resource.arn, to_document(resource))
        self._found[resource.arn] = resource
