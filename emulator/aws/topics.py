"""Topics of SNS that a project's file subscribes functions to."""

from emulator.aws.locks import ServiceLocks
from emulator.aws.permissions import InvokePermissions
from emulator.aws.services import Services
from emulator.observe import Reporter


class Topics:
    """Subscribes functions to topics of their own account and region. Any thread may call."""

    def __init__(
        self,
        services: Services,
        locks: ServiceLocks,
        permissions: InvokePermissions,
        reporter: Reporter,
    ) -> None:
        self._services = services
        self._locks = locks
        self._permissions = permissions
        self._reporter = reporter

    def subscribe(
        self, topic: str, function_arn: str, *, filter_policy: str | None, filter_scope: str
    ) -> None:
        """Subscribe a function; the topic is made if need be. filter_policy: JSON."""
        arn = _topic_arn(topic, function_arn)
        self._permissions.trust(arn, function_arn)

        def act() -> None:
            from moto.core.exceptions import ServiceException
            from moto.sns.models import sns_backends

            _, _, _, region, account, _ = arn.split(":", 5)
            with self._locks.hold("sns"):
                backend = sns_backends[account][region]
                backend.create_topic(topic)
                made = backend.subscribe(arn, function_arn, "lambda")
                try:
                    for name, value in (
                        ("FilterPolicyScope", filter_scope),
                        ("FilterPolicy", filter_policy),
                    ):
                        if filter_policy is not None:
                            backend.set_subscription_attributes(made.arn, name, value)
                except ServiceException as error:
                    backend.unsubscribe(made.arn)
                    self._reporter.event(
                        "sns.trigger_refused",
                        topic=topic,
                        function=function_arn,
                        reason=error.message,
                    )

        self._services.when_loaded("sns", act)

    def unsubscribe(self, topic: str, function_arn: str) -> None:
        """Take back what `subscribe` made; the topic stays."""
        arn = _topic_arn(topic, function_arn)

        def act() -> None:
            from moto.sns.models import sns_backends

            _, _, _, region, account, _ = arn.split(":", 5)
            with self._locks.hold("sns"):
                backend = sns_backends[account][region]
                found = backend._find_subscription(arn, function_arn, "lambda")
                if found is not None:
                    backend.unsubscribe(found.arn)

        self._services.when_loaded("sns", act)


def _topic_arn(topic: str, function_arn: str) -> str:
    _, partition, _, region, account, _ = function_arn.split(":", 5)
    return f"arn:{partition}:sns:{region}:{account}:{topic}"
