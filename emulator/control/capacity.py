"""CapacityProviderConfig: functions on managed instances. Source: spec/control-plane.md 6."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.control.violations import invalid

_MEMBER: Final = "LambdaManagedInstancesCapacityProviderConfig"


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityUse:
    """Whose instances a function runs on, and how; None: never given."""

    provider_arn: str
    concurrency: int | None = None  # PerExecutionEnvironmentMaxConcurrency
    gib_per_vcpu: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """How many environments a version may have on its instances; None: never given."""

    minimum: int | None = None
    maximum: int | None = None

    @property
    def is_deactivated(self) -> bool:
        """True when it may have none at all."""
        return self.maximum == 0


def read_capacity(config: Mapping[str, Any]) -> CapacityUse:
    """What a CapacityProviderConfig asks for."""
    members = config[_MEMBER]
    return CapacityUse(
        provider_arn=members["CapacityProviderArn"],
        concurrency=members.get("PerExecutionEnvironmentMaxConcurrency"),
        gib_per_vcpu=members.get("ExecutionEnvironmentMemoryGiBPerVCpu"),
    )


def capacity_answer(use: CapacityUse) -> dict[str, Any]:
    """CapacityProviderConfig as the API shows it."""
    members = {
        "CapacityProviderArn": use.provider_arn,
        "PerExecutionEnvironmentMaxConcurrency": use.concurrency,
        "ExecutionEnvironmentMemoryGiBPerVCpu": use.gib_per_vcpu,
    }
    return {_MEMBER: {name: value for name, value in members.items() if value is not None}}


def read_scaling(config: Mapping[str, Any]) -> Scaling:
    """What a FunctionScalingConfig asks for; raises LambdaError for a range without numbers."""
    scaling = Scaling(
        minimum=config.get("MinExecutionEnvironments"),
        maximum=config.get("MaxExecutionEnvironments"),
    )
    low, high = scaling.minimum, scaling.maximum
    if low is not None and high is not None and low > high:
        raise invalid(
            f"MinExecutionEnvironments ({low}) must not be greater than MaxExecutionEnvironments"
            f" ({high})."
        )
    return scaling


def scaling_answer(scaling: Scaling) -> dict[str, int]:
    """FunctionScalingConfig as the API shows it."""
    members = {
        "MinExecutionEnvironments": scaling.minimum,
        "MaxExecutionEnvironments": scaling.maximum,
    }
    return {name: value for name, value in members.items() if value is not None}
