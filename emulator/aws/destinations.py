"""Whether the targets of a bucket's notifications would take an event."""

import sys
from collections.abc import Callable
from typing import Any, Final

from emulator.aws.functions import Functions
from emulator.aws.notifications import BucketNotifications, Refused, Rule, TargetKind
from emulator.aws.permissions import InvokePermissions

_PRINCIPAL: Final = "s3.amazonaws.com"


class Destinations:
    """Checks targets as S3 does when a notification configuration is saved.

    Any thread may call.
    """

    def __init__(self, functions: Functions, permissions: InvokePermissions) -> None:
        self._functions = functions
        self._permissions = permissions
        self._checks: dict[TargetKind, Callable[[Rule, str, str], str | None]] = {
            "function": self._function,
            "queue": self._queue,
            "topic": self._topic,
        }

    def check(self, notifications: BucketNotifications, bucket: str, account: str) -> None:
        """Raise Refused with every target that would not take an event. account: the owner's."""
        details: dict[str, str] = {}
        for rule in notifications.rules:
            problem = self._checks[rule.kind](rule, bucket, account)
            if problem:
                number = len(details) // 2 + 1
                details[f"ArgumentName{number}"] = f"{rule.arn}, null"
                details[f"ArgumentValue{number}"] = problem
        if details:
            message = "Unable to validate the following destination configurations"
            raise Refused("InvalidArgument", message, **details)

    def _function(self, rule: Rule, bucket: str, account: str) -> str | None:
        source = f"arn:aws:s3:::{bucket}"
        # One that a project's file binds may not be there yet.
        if self._permissions.trusts(source, rule.arn):
            return None
        if not self._functions.exists(rule.arn):
            return "The destination Lambda function does not exist"
        is_allowed = self._permissions.allows(rule.arn, _PRINCIPAL, source, account)
        return None if is_allowed else f"Not authorized to invoke function [{rule.arn}]"

    def _queue(self, rule: Rule, bucket: str, account: str) -> str | None:
        _, _, _, region, owner, name = rule.arn.split(":", 5)
        backend = _backend("moto.sqs.models", "sqs_backends", owner, region)
        queue = backend.queues.get(name) if backend else None
        if queue is None:
            return "The destination queue does not exist"
        return "FIFO SQS queues are not supported" if queue.fifo_queue else None

    def _topic(self, rule: Rule, bucket: str, account: str) -> str | None:
        _, _, _, region, owner, _ = rule.arn.split(":", 5)
        backend = _backend("moto.sns.models", "sns_backends", owner, region)
        topic = backend.topics.get(rule.arn) if backend else None
        if topic is None:
            return "The destination topic does not exist"
        return "FIFO SNS topics are not supported" if topic.name.endswith(".fifo") else None


def _backend(module: str, name: str, account: str, region: str) -> Any:
    """A backend that somebody has used already; None when there is nothing in it to find."""
    backends = getattr(sys.modules.get(module), name, None) or {}
    regions = dict.get(backends, account) or {}
    return dict.get(regions, region)
