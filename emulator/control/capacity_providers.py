"""Every capacity provider of every account and region."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from emulator.model import Clock, LambdaError
from emulator.storage import Documents, from_document, to_document

KIND: Final = "capacity provider"  # of document
PENDING: Final = "Pending"
ACTIVE: Final = "Active"
DELETING: Final = "Deleting"

TagSet = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityProvider:
    """Instances that functions may run on: shown as they were asked for, here there are none."""

    account: str
    region: str
    name: str
    members: Mapping[str, Any]  # of CapacityProvider in the API, as they were given
    modified_at: float  # seconds since the epoch
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """CapacityProviderArn."""
        return provider_arn(self.account, self.region, self.name)


def provider_arn(account: str, region: str, name: str) -> str:
    """ARN of a capacity provider."""
    return f"arn:aws:lambda:{region}:{account}:capacity-provider:{name}"


class CapacityProviderStore:
    """The providers, by ARN, kept in `Documents`. They are there as soon as they are made.

    Any thread may call. `_lock` guards the table; it is held while a change is written.
    """

    def __init__(self, clock: Clock, documents: Documents | None = None) -> None:
        """Start with what the documents hold. Raises StorageError."""
        self._clock = clock
        self._documents = documents or Documents()
        self._lock = threading.Lock()
        self._providers = {
            arn: from_document(CapacityProvider, kept)
            for arn, kept in self._documents.all(KIND).items()
        }

    def create(
        self, account: str, region: str, name: str, members: Mapping[str, Any], tags: TagSet
    ) -> CapacityProvider:
        """Add a provider; raises ResourceConflictException when there is one of that name."""
        made = CapacityProvider(
            account=account,
            region=region,
            name=name,
            members=members,
            modified_at=self._clock.now(),
            tags=dict(tags),
        )
        with self._lock:
            if made.arn in self._providers:
                text = f"Capacity provider already exists: {made.arn}"
                raise LambdaError("ResourceConflictException", text)
            self._keep(made)
        return made

    def get(self, arn: str) -> CapacityProvider:
        """A provider; raises ResourceNotFoundException."""
        with self._lock:
            return self._existing(arn)

    def providers(self, account: str, region: str) -> list[CapacityProvider]:
        """The providers of an account and region by name."""
        with self._lock:
            found = [each for _, each in sorted(self._providers.items())]
        return [each for each in found if (each.account, each.region) == (account, region)]

    def update(self, arn: str, members: Mapping[str, Any]) -> CapacityProvider:
        """Replace members of a provider."""
        with self._lock:
            before = self._existing(arn)
            changed = replace(
                before, members={**before.members, **members}, modified_at=self._clock.now()
            )
            self._keep(changed)
        return changed

    def delete(self, arn: str) -> CapacityProvider:
        """Take a provider away and return it."""
        with self._lock:
            gone = self._existing(arn)
            self._documents.delete(KIND, arn)
            del self._providers[arn]
        return gone

    def reset(self) -> None:
        """Forget all; whoever empties everything clears the documents, too."""
        with self._lock:
            self._providers.clear()

    # Tags: see `tags.TagHolder`.

    def tags(self, account: str, region: str, name: str) -> TagSet:
        """The tags of one provider."""
        return self.get(provider_arn(account, region, name)).tags

    def change_tags(
        self, account: str, region: str, name: str, change: Callable[[TagSet], TagSet]
    ) -> None:
        """Replace the tags of a provider."""
        with self._lock:
            provider = self._existing(provider_arn(account, region, name))
            self._keep(replace(provider, tags=dict(change(provider.tags))))

    def tagged(self, account: str, region: str) -> list[tuple[str, TagSet]]:
        """ARN and tags of the providers of an account and region."""
        return [(each.arn, each.tags) for each in self.providers(account, region)]

    # Under the lock.

    def _existing(self, arn: str) -> CapacityProvider:
        if arn not in self._providers:
            text = f"Capacity provider not found: {arn}"
            raise LambdaError("ResourceNotFoundException", text)
        return self._providers[arn]

    def _keep(self, provider: CapacityProvider) -> None:
        self._documents.put(KIND, provider.arn, to_document(provider))
        self._providers[provider.arn] = provider
