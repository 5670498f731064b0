"""Resources as Terraform's AWS provider makes, reads, changes and destroys them.

After each change it reads everything back and compares it with what was written: what differs
would be shown as drift by the next plan. The calls of each resource are those of the provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.end_to_end.drivers.driver import Driver, Refused


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type of resource of the provider."""

    create: str
    read: str
    delete: str
    update: str = ""
    names: tuple[str, ...] = ("FunctionName",)  # the members that say which one
    inside: str = ""  # the member of the answer that shows it
    hidden: tuple[str, ...] = ()  # members that no answer shows
    also_read: tuple[str, ...] = ()  # further operations of a refresh


FUNCTION: Final = Kind(
    create="CreateFunction",
    read="GetFunction",
    update="UpdateFunctionConfiguration",
    delete="DeleteFunction",
    inside="Configuration",
    hidden=("Code", "Publish", "Tags"),
    also_read=("ListVersionsByFunction", "GetFunctionCodeSigningConfig"),
)
ALIAS: Final = Kind(
    create="CreateAlias",
    read="GetAlias",
    update="UpdateAlias",
    delete="DeleteAlias",
    names=("FunctionName", "Name"),
)
LAYER_VERSION: Final = Kind(
    create="PublishLayerVersion",
    read="GetLayerVersion",
    delete="DeleteLayerVersion",
    names=("LayerName", "VersionNumber"),
    hidden=("Content", "LayerName"),
)
EVENT_SOURCE_MAPPING: Final = Kind(
    create="CreateEventSourceMapping",
    read="GetEventSourceMapping",
    update="UpdateEventSourceMapping",
    delete="DeleteEventSourceMapping",
    names=("UUID",),
    hidden=("FunctionName", "Enabled"),
)
FUNCTION_URL: Final = Kind(
    create="CreateFunctionUrlConfig",
    read="GetFunctionUrlConfig",
    update="UpdateFunctionUrlConfig",
    delete="DeleteFunctionUrlConfig",
    names=("FunctionName", "Qualifier"),
)
EVENT_INVOKE_CONFIG: Final = Kind(
    create="PutFunctionEventInvokeConfig",
    read="GetFunctionEventInvokeConfig",
    update="PutFunctionEventInvokeConfig",
    delete="DeleteFunctionEventInvokeConfig",
    names=("FunctionName", "Qualifier"),
)
PROVISIONED_CONCURRENCY: Final = Kind(
    create="PutProvisionedConcurrencyConfig",
    read="GetProvisionedConcurrencyConfig",
    update="PutProvisionedConcurrencyConfig",
    delete="DeleteProvisionedConcurrencyConfig",
    names=("FunctionName", "Qualifier"),
)
_SHOWN_AS: Final = {"ProvisionedConcurrentExecutions": "RequestedProvisionedConcurrentExecutions"}


@dataclass
class Resource:
    """One resource of a configuration, and what Terraform would keep of it in its state."""

    kind: Kind
    config: dict[str, Any]
    names: dict[str, Any] = field(default_factory=dict)

    def create(self, call: Driver) -> dict[str, Any]:
        """Make it; returns the answer."""
        answer = call(self.kind.create, **self.config)
        known = {"VersionNumber": answer.get("Version"), **answer, **self.config}
        self.names = {name: known[name] for name in self.kind.names}
        return answer

    def update(self, call: Driver, **changes: Any) -> dict[str, Any]:
        """Change members in place; returns the answer."""
        self.config |= changes
        return call(self.kind.update, **self.names, **changes)

    def read(self, call: Driver) -> dict[str, Any]:
        """What the provider sees at a refresh."""
        for operation in self.kind.also_read:
            call(operation, **self.names)
        answer = call(self.kind.read, **self.names)
        return dict(answer[self.kind.inside]) if self.kind.inside else answer

    def drift(self, call: Driver) -> dict[str, Any]:
        """The members that are read differently from how they were written."""
        shown = self.read(call)
        return {
            member: shown.get(member)
            for member, value in self.config.items()
            if member not in self.kind.hidden
            and member not in self.names
            and not covers(_shown(shown, member), value)
        }

    def destroy(self, call: Driver) -> None:
        """Delete it, and see that it is gone."""
        call(self.kind.delete, **self.names)
        with pytest.raises(Refused, match="NotFoundException"):
            self.read(call)


def _shown(answer: Mapping[str, Any], member: str) -> Any:
    if member == "Layers":
        return [layer["Arn"] for layer in answer.get("Layers", [])]
    return answer.get(_SHOWN_AS.get(member, member))


def covers(shown: Any, written: Any) -> bool:
    """Whether an answer has what was written; it may say more, as defaults do."""
    if isinstance(written, Mapping):
        return isinstance(shown, Mapping) and all(
            covers(shown.get(key), value) for key, value in written.items()
        )
    return bool(shown == written)
