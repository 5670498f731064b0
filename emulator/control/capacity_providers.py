"""Every capacity provider of every account and region."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from typing_extensions import override

from emulator.control.resource_store import Resource, ResourceStore, TagSet
from emulator.model import Clock, LambdaError
from emulator.storage import Documents

KIND: Final = "capacity provider"  # of document
PENDING: Final = "Pending"
ACTIVE: Final = "Active"
DELETING: Final = "Deleting"


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityProvider(Resource):
    """Instances that functions may run on: shown as they were asked for, here there are none."""

    name: str
    members: Mapping[str, Any]  # of CapacityProvider in the API, as they were given

    @property
    @override
    def arn(self) -> str:
        """CapacityProviderArn."""
        return provider_arn(self.account, self.region, self.name)


def provider_arn(account: str, region: str, name: str) -> str:
    """ARN of a capacity provider."""
    return f"arn:aws:lambda:{region}:{account}:capacity-provider:{name}"


class CapacityProviderStore(ResourceStore[CapacityProvider]):
    """The providers. They are there as soon as they are made. Any thread may call."""

    def __init__(self, clock: Clock, documents: Documents | None = None) -> None:
        """Start with what the documents hold. Raises StorageError."""
        super().__init__(CapacityProvider, KIND, clock, documents or Documents())

    @override
    def arn_of(self, account: str, region: str, name: str) -> str:
        """CapacityProviderArn."""
        return provider_arn(account, region, name)

    @override
    def not_found(self, arn: str) -> LambdaError:
        """The answer for an ARN that no provider has."""
        return LambdaError("ResourceNotFoundException", f"Capacity provider not found: {arn}")

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
            if made.arn in self._found:
                text = f"Capacity provider already exists: {made.arn}"
                raise LambdaError("ResourceConflictException", text)
            self._keep(made)
        return made

    def update(self, arn: str, members: Mapping[str, Any]) -> CapacityProvider:
        """Replace members of a provider."""
        with self._lock:
            before = self._existing(arn)
            changed = replace(
                before, members={**before.members, **members}, modified_at=self._clock.now()
            )
            self._keep(changed)
        return changed
