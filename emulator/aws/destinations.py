"""Whether the targets of a bucket's notifications would take an event."""

import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from emulator.aws.functions import Functions
from emulator.aws.notifications import BucketNotifications, Refused, Rule, TargetKind
from emulator.observe import Reporter

_PRINCIPAL: Final = "s3.amazonaws.com"


class Destinations:
    """Checks targets as S3 does when a notification configuration is saved.

    Any thread may call. `_lock` guards what is trusted and what was warned of.
    """

    def __init__(self, functions: Functions, reporter: Reporter) -> None:
        self._functions = functions
        self._reporter = reporter
        self._lock = threading.Lock()
        self._trusted: set[tuple[str, str]] = set()
        self._warned: set[tuple[str, str]] = set()
        self._checks: dict[TargetKind, Callable[[Rule, str, str], str | None]] = {
            "function": self._function,
            "queue": self._queue,
            "topic": self._topic,
        }

    def trust(self, bucket: str, function_arn: str) -> None:
        """Let `bucket` invoke a function that the project's own file bound to it."""
        with self._lock:
            self._trusted.add((bucket, function_arn))

    def forget(self) -> None:
        """Trust nobody, and warn again."""
        with self._lock:
            self._trusted.clear()
            self._warned.clear()

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
        with self._lock:
            if (bucket, rule.arn) in self._trusted:
                return None
        if not self._functions.exists(rule.arn):
            return "The destination Lambda function does not exist"
        source = f"arn:aws:s3:::{bucket}"
        allowed = self._functions.policy_allows(rule.arn, _PRINCIPAL, source, account)
        if allowed is None:
            # Differs from Lambda: a function without any policy may be invoked, because local
            # set-ups rarely grant what nobody checks; the line says what AWS would want.
            self._warn_once(bucket, rule.arn)
        return f"Not authorized to invoke function [{rule.arn}]" if allowed is False else None

    def _warn_once(self, bucket: str, function_arn: str) -> None:
        with self._lock:
            if (bucket, function_arn) in self._warned:
                return
            self._warned.add((bucket, function_arn))
        self._reporter.event(
            "s3.permission_missing",
            bucket=bucket,
            function=function_arn,
            hint="let through here; AWS would refuse until `aws lambda add-permission "
            f"--principal {_PRINCIPAL} --source-arn arn:aws:s3:::{bucket} …` is called",
        )

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
