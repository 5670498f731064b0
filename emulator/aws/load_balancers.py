"""Application Load Balancers, read out of moto as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.locks import ServiceLocks
from emulator.aws.services import Services

_CONFIGS: Final = {  # field of a condition to the member that holds its values
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "path-pattern": "PathPatternConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a rule asks of a request: one of the values."""

    field: str
    values: tuple[str, ...]  # `key=value` or `value` for query-string
    header: str = ""  # for http-header


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What a rule does; the members of its kind, in the API's names."""

    kind: str  # forward, fixed-response, redirect, …
    config: Mapping[str, Any]
    targets: tuple[tuple[str, int], ...] = ()  # ARN and weight of target groups


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerRule:
    """One rule; all conditions must hold."""

    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A port of a load balancer; rules by priority, the default one last."""

    port: int
    protocol: str
    rules: tuple[ListenerRule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """Where requests are forwarded to."""

    arn: str
    account: str
    kind: str  # lambda, instance, ip, alb
    targets: tuple[str, ...]  # ARNs of functions where the kind is lambda
    is_multi_value: bool
    is_checked: bool
    check_path: str
    check_interval_s: float
    check_timeout_s: float
    healthy_after: int  # checks in a row
    unhealthy_after: int
    expected_status: str  # `200`, `200-299`, `200,202`


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancer:
    """One load balancer."""

    name: str
    dns_name: str
    idle_timeout_s: float
    listeners: tuple[Listener, ...]  # by port


class LoadBalancers:
    """Finds them. Any thread may call, except one that holds a lock of moto."""

    def __init__(self, services: Services, locks: ServiceLocks) -> None:
        self._services = services
        self._locks = locks

    def find(self, name: str) -> LoadBalancer | None:
        """The load balancer of a name, or of a DNS name."""
        for backend in self._backends():
            with self._locks.hold("elbv2"):
                for found in backend.load_balancers.values():
                    if name in (found.name.lower(), found.dns_name.lower()):
                        return _load_balancer(found)
        return None

    def target_group(self, arn: str) -> TargetGroup | None:
        """The target group of an ARN."""
        for backend in self._backends():
            with self._locks.hold("elbv2"):
                found = backend.target_groups.get(arn)
                if found is not None:
                    return _target_group(found)
        return None

    def report_health(self, arn: str, target: str, problem: str | None) -> None:
        """Show a target as healthy, or as unhealthy with what is wrong."""
        health = (
            ("unhealthy", "Target.FailedHealthChecks", problem)
            if problem
            else ("healthy", None, None)
        )
        for backend in self._backends():
            with self._locks.hold("elbv2"):
                found = backend.target_groups.get(arn)
                if found is not None:
                    # patches.elbv2 shows it
                    found.emulator_health = {
                        **getattr(found, "emulator_health", {}),
                        target: health,
                    }

    def _backends(self) -> list[Any]:
        if not self._services.is_loaded("elbv2"):
            return []
        from moto.elbv2.models import elbv2_backends

        with self._locks.hold("elbv2"):
            return [backend for _, _, backend in elbv2_backends.iter_backends()]


def _load_balancer(found: Any) -> LoadBalancer:
    listeners = sorted(
        (_listener(listener) for listener in found.listeners.values()),
        key=lambda listener: listener.port,
    )
    return LoadBalancer(
        name=found.name,
        dns_name=found.dns_name,
        idle_timeout_s=float(found.attrs.get("idle_timeout.timeout_seconds") or 60),
        listeners=tuple(listeners),
    )


def _listener(found: Any) -> Listener:
    *others, default = found.rules.values()
    ordered = sorted(others, key=lambda rule: int(rule.priority))
    return Listener(
        port=int(found.port or 0),
        protocol=found.protocol,
        rules=(
            *(_rule(rule.conditions, rule.actions) for rule in ordered),
            # The default rule is made with the listener; its actions change with it.
            _rule((), found.default_actions or default.actions),
        ),
    )


def _rule(conditions: Iterable[Mapping[str, Any]], actions: Iterable[Any]) -> ListenerRule:
    ordered = sorted(actions, key=lambda action: int(action.data.get("Order") or 50_000))
    return ListenerRule(
        conditions=tuple(_condition(condition) for condition in conditions),
        actions=tuple(_action(action.data) for action in ordered),
    )


def _condition(made: Mapping[str, Any]) -> Condition:
    config = made.get(_CONFIGS.get(made["Field"], ""), {})
    values = config.get("Values") or made.get("Values") or ()
    return Condition(
        field=made["Field"],
        values=tuple(_text(value) for value in values),
        header=config.get("HttpHeaderName", ""),
    )


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['Key']}={value['Value']}" if "Key" in value else str(value["Value"])
    return str(value)


def _action(data: Mapping[str, Any]) -> Action:
    kind = data["Type"]
    groups = data.get("ForwardConfig", {}).get("TargetGroups") or ()
    targets = [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]
    if not targets and data.get("TargetGroupArn"):
        targets = [(data["TargetGroupArn"], 1)]
    config = data.get({"fixed-response": "FixedResponseConfig"}.get(kind, "RedirectConfig"), {})
    return Action(kind=kind, config=dict(config), targets=tuple(targets))


def _target_group(found: Any) -> TargetGroup:
    return TargetGroup(
        arn=found.arn,
        account=found.account_id,
        kind=found.target_type,
        targets=tuple(found.targets),
        is_multi_value=found.attributes.get("lambda.multi_value_headers.enabled") == "true",
        is_checked=str(found.health_check_enabled).lower() == "true",
        check_path=found.health_check_path or "/",
        check_interval_s=float(found.health_check_interval_seconds or 35),
        check_timeout_s=float(found.health_check_timeout_seconds or 30),
        healthy_after=int(found.healthy_threshold_count or 5),
        unhealthy_after=int(found.unhealthy_threshold_count or 2),
        expected_status=str((found.matcher or {}).get("HttpCode") or "200"),
    )
