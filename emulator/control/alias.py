"""Aliases: names that point at a version of a function, or share its calls among two.

Source: spec/control-plane.md section 5.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from emulator.control.violations import invalid
from emulator.model import LATEST, LambdaError


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """One alias of a function."""

    name: str
    version: str  # `$LATEST` or the number of a published version
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)  # share of the other version
    revision_id: str

    def routed(self, chance: float) -> str:
        """The version that a call runs; chance: one in [0, 1), another for each call."""
        for version, share in self.weights.items():
            if chance < share:
                return version
        return self.version

    def invokes(self, version: str) -> bool:
        """Whether a call may lead to that version."""
        return version == self.version or version in self.weights


def check_routing(alias: Alias) -> None:
    """Raise InvalidParameterValueException for versions that cannot share an alias."""
    if len(alias.weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if alias.weights and alias.version == LATEST:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if alias.version in alias.weights:
        raise invalid(
            f"Invalid function version {alias.version}. Function version {alias.version} is already"
            " included in routing configuration."
        )


def check_provisionable(alias: Alias, already: Container[str]) -> None:
    """Raise LambdaError unless the version it points at may get provisioned concurrency by it.

    already: the versions that have some by another name.
    """
    if alias.version == LATEST:
        raise unpublished()
    if alias.version in already:
        raise LambdaError(
            "ResourceConflictException",
            "Alias can't be used for Provisioned Concurrency configuration on an already"
            " Provisioned version",
        )


def unpublished() -> LambdaError:
    """The answer to who wants provisioned concurrency for `$LATEST`."""
    return invalid(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )


def missing_version(alias: Alias, published: Container[str]) -> str | None:
    """The first version it points at that is not there; None: all are."""
    wanted = [version for version in (alias.version, *alias.weights) if version != LATEST]
    return next((version for version in wanted if version not in published), None)
