"""Load balancers: a target group of a function is not checked unless that is asked for."""

from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.elbv2."""
    target = "moto.elbv2.models:ELBv2Backend.create_target_group"
    return [Patch(target, "self, name, kwargs", _unchecked)]


def _unchecked(original: Any) -> Any:
    def create_target_group(self: Any, name: str, **kwargs: Any) -> Any:
        if kwargs.get("target_type") == "lambda":
            kwargs["healthcheck_enabled"] = kwargs.get("healthcheck_enabled") or "false"
            kwargs["healthcheck_interval_seconds"] = (
                kwargs.get("healthcheck_interval_seconds") or 35
            )
        return original(self, name, **kwargs)

    return create_target_group
