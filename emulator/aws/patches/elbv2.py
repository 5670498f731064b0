"""Load balancers: target groups of functions are checked as asked, and show what was found.

moto turns checks on for everybody and calls every target healthy.
"""

from collections.abc import Callable
from typing import Any, Final

from emulator.aws.balancer_facts import TargetsChangedFact
from emulator.aws.patches.patching import Patch, PatchContext

_BACKEND: Final = "moto.elbv2.models:ELBv2Backend"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.elbv2."""
    modify = (
        "self, arn, health_check_proto, health_check_port, health_check_path,"
        " health_check_interval, health_check_timeout, healthy_threshold_count,"
        " unhealthy_threshold_count, http_codes, health_check_enabled"
    )
    targets = "self, target_group_arn, instances"
    return [
        Patch(f"{_BACKEND}.create_target_group", "self, name, kwargs", _unchecked),
        Patch(f"{_BACKEND}.modify_target_group", modify, _telling(context)),
        Patch(f"{_BACKEND}.register_targets", targets, _telling(context)),
        Patch(f"{_BACKEND}.deregister_targets", targets, _telling(context)),
        Patch(
            "moto.elbv2.models:FakeTargetGroup.health_for", "self, target, ec2_backend", _as_found
        ),
    ]


def _unchecked(original: Any) -> Any:
    """A function's target group is checked only where that is asked for."""

    def create_target_group(self: Any, name: str, **kwargs: Any) -> Any:
        if kwargs.get("target_type") == "lambda":
            kwargs["healthcheck_enabled"] = kwargs.get("healthcheck_enabled") or "false"
            kwargs["healthcheck_interval_seconds"] = (
                kwargs.get("healthcheck_interval_seconds") or 35
            )
        return original(self, name, **kwargs)

    return create_target_group


def _telling(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def change(self: Any, *arguments: Any, **named: Any) -> Any:
            result = original(self, *arguments, **named)
            arn = arguments[0] if arguments else named.get("target_group_arn", named.get("arn"))
            context.buffer.tell(TargetsChangedFact(arn=str(arn)))
            return result

        return change

    return make


def _as_found(original: Any) -> Any:
    def health_for(self: Any, target: Any, ec2_backend: Any) -> Any:
        health = original(self, target, ec2_backend)
        if self.target_type != "lambda" or health.status != "healthy":
            return health
        if not self.health_check_enabled:
            health.status, health.reason = "unavailable", "Target.HealthCheckDisabled"
            health.description = "Health checks are not enabled for this target"
        else:
            found = getattr(self, "emulator_health", {})
            health.status, health.reason, health.description = found.get(
                target["Id"],
                ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress"),
            )
        return health

    return health_for
