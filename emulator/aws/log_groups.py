"""Log groups that a project's file subscribes functions to."""

import hashlib
from collections.abc import Callable

from emulator.aws.own_requests import OwnRequests
from emulator.aws.permissions import InvokePermissions
from emulator.aws.services import Services
from emulator.observe import Reporter


class LogGroups:
    """Subscribes functions to log groups of their own account and region. Any thread may call."""

    def __init__(
        self,
        services: Services,
        own: OwnRequests,
        permissions: InvokePermissions,
        reporter: Reporter,
        load: Callable[[str], None],
    ) -> None:
        """`load` has a service loaded soon: what functions log must find its subscriptions."""
        self._services = services
        self._own = own
        self._permissions = permissions
        self._reporter = reporter
        self._load = load

    def subscribe(self, group: str, pattern: str, function_arn: str) -> None:
        """Subscribe a function; the log group is made if need be."""
        _, partition, _, region, account, _ = function_arn.split(":", 5)
        source = f"arn:{partition}:logs:{region}:{account}:log-group:{group}:*"
        self._permissions.trust(source, function_arn)

        def act() -> None:
            from moto.core.exceptions import JsonRESTError
            from moto.logs.models import logs_backends

            try:
                with self._own.make("logs", account):
                    backend = logs_backends[account][region]
                    backend.ensure_log_group(group)
                    backend.put_subscription_filter(
                        group, _filter_name(pattern, function_arn), pattern, function_arn, ""
                    )
            except JsonRESTError as error:
                self._reporter.event(
                    "logs.trigger_refused",
                    log_group=group,
                    function=function_arn,
                    reason=error.message,
                )

        self._services.when_loaded("logs", act)
        self._load("logs")

    def unsubscribe(self, group: str, pattern: str, function_arn: str) -> None:
        """Take back what `subscribe` made; the log group stays."""
        _, _, _, region, account, _ = function_arn.split(":", 5)

        def act() -> None:
            from moto.logs.models import logs_backends

            with self._own.make("logs", account):
                backend = logs_backends[account][region]
                name = _filter_name(pattern, function_arn)
                found = backend.groups.get(group)
                if found is not None and name in found.subscription_filters:
                    backend.delete_subscription_filter(group, name)

        self._services.when_loaded("logs", act)


def _filter_name(pattern: str, function_arn: str) -> str:
    return f"{function_arn.split(':')[6]}-{hashlib.sha256(pattern.encode()).hexdigest()[:8]}"
