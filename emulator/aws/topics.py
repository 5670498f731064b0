"""Topics of SNS: messages are published, and a project's functions subscribed."""

from collections.abc import Mapping

from emulator.aws.locks import ServiceLocks
from emulator.aws.own_requests import OwnRequests
from emulator.aws.permissions import InvokePermissions
from emulator.aws.regional import regional
from emulator.aws.services import Services
from emulator.model import AwsError
from emulator.observe import Reporter


class Topics:
    """The topics of SNS. Any thread may call, except one that holds a lock of moto."""

    def __init__(
        self,
        services: Services,
        locks: ServiceLocks,
        own: OwnRequests,
        permissions: InvokePermissions,
        reporter: Reporter,
    ) -> None:
        self._services = services
        self._locks = locks
        self._own = own
        self._permissions = permissions
        self._reporter = reporter

    def exists(self, topic_arn: str) -> bool:
        """Whether there is a topic of this ARN."""
        self._services.load("sns")
        from moto.sns.models import sns_backends

        _, _, _, region, account, _ = topic_arn.split(":", 5)
        with self._locks.hold("sns"):
            try:
                return topic_arn in regional(sns_backends, account, region).topics
            except AwsError:
                return False

    def publish(
        self,
        topic_arn: str,
        message: str,
        subject: str | None = None,
        attributes: Mapping[str, tuple[str, str]] | None = None,
        trace_header: str | None = None,
    ) -> None:
        """Publish to a topic. attributes: name to (type, value). Raises AwsError."""
        self._services.load("sns")
        from moto.core.exceptions import ServiceException
        from moto.sns.models import sns_backends

        _, _, _, region, account, _ = topic_arn.split(":", 5)
        sns_attributes = {
            name: {"Type": kind, "Value": value}
            for name, (kind, value) in (attributes or {}).items()
        }
        try:
            with self._own.make("sns", account, trace_header):
                regional(sns_backends, account, region).publish(
                    message, arn=topic_arn, subject=subject, message_attributes=sns_attributes
                )
        except ServiceException as error:
            raise AwsError(error.code, error.message) from error

    def subscribe(
        self, topic: str, function_arn: str, *, filter_policy: str | None, filter_scope: str
    ) -> None:
        """Subscribe a function to a topic of its own account and region, made if need be.

        filter_policy: JSON.
        """
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
