"""SNS subscriptions: what is refused, who gets a message, and functions as subscribers."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.filter_policy import accepts_attributes, accepts_body
from emulator.aws.patches.patching import NOBODY, SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.aws.sns_facts import MessageAttribute, NotificationFact
from emulator.model.event_pattern import InvalidPattern, check_pattern

_FUNCTION: Final = re.compile(
    r"arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:(\$LATEST|[\w-]{1,128}))?"
)
_QUEUE: Final = re.compile(r"arn:aws[\w-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}(\.fifo)?")
_SCOPES: Final = ("MessageAttributes", "MessageBody")
_DEFAULTS: Final = {"FilterPolicyScope": _SCOPES[0], "RawMessageDelivery": False}


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.sns that have to do with who gets a message."""
    backend = "moto.sns.models:SNSBackend"
    return [
        Patch(
            "moto.sns.responses:SNSResponse.subscribe",
            "self",
            _subscribe_request(context),
        ),
        Patch(f"{backend}.subscribe", "self, topic_arn, endpoint, protocol", _subscribe),
        Patch(
            f"{backend}.set_subscription_attributes",
            "self, arn, name, value",
            _set_subscription_attributes,
        ),
        Patch(f"{backend}._validate_filter_policy", "self, value, scope", _validate_filter_policy),
        Patch(
            f"{backend}._get_topic_subscriptions",
            "self, topic",
            lambda original: lambda self, topic: _subscriptions(topic),
        ),
        Patch(
            "moto.sns.utils:FilterPolicyMatcher.matches",
            "self, message_attributes, message",
            lambda original: _matches,
        ),
        Patch(
            "moto.sns.models:Topic.publish",
            "self, message, subject, message_attributes, group_id, deduplication_id, "
            "message_structure",
            _publish(context),
        ),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Publish to a function in an account nobody uses; return what did not come through."""
    from moto.sns.models import sns_backends

    backend = sns_backends[SCRATCH_ACCOUNT]["us-east-1"]
    try:
        topic = backend.create_topic("self-test")
        function = f"arn:aws:lambda:us-east-1:{SCRATCH_ACCOUNT}:function:self-test"
        subscription: Any = backend.subscribe(topic.arn, function, "lambda")
        names = ("Timestamp", "Signature", "SigningCertURL", "UnsubscribeURL")
        # A real signature would cost a key, which takes a tenth of a second.
        subscription.get_post_data = lambda *_, **__: dict.fromkeys(names, "")
        with context.buffer.request(NOBODY) as facts:
            backend.publish("hello", topic.arn)
    finally:
        dict.pop(sns_backends, SCRATCH_ACCOUNT)
    told = [fact.message for fact in facts if isinstance(fact, NotificationFact)]
    return {} if told == ["hello"] else {"moto.sns.models:Subscription.publish": f"told {told}"}


def tell_function(
    context: PatchContext,
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: Mapping[str, Mapping[str, Any]] | None,
    structure: str | None,
) -> None:
    """Tell of a message that a function's subscription accepts."""
    if structure == "json":
        message = _for_protocol(message, subscription.protocol)
    matcher = subscription._filter_policy_matcher
    if matcher is not None and not matcher.matches(attributes, message):
        return
    signed = subscription.get_post_data(message, message_id, subject)
    context.buffer.tell(
        NotificationFact(
            subscription_arn=subscription.arn,
            function_arn=subscription.endpoint,
            topic_arn=subscription.topic.arn,
            message_id=message_id,
            subject=subject or None,
            message=message,
            timestamp=signed["Timestamp"],
            signature=signed["Signature"],
            signing_cert_url=signed["SigningCertURL"],
            unsubscribe_url=signed["UnsubscribeURL"],
            attributes={
                name: MessageAttribute(type=each["Type"], value=str(each["Value"]))
                for name, each in (attributes or {}).items()
            },
            dead_letter_queue_arn=_dead_letter_queue(subscription.attributes.get("RedrivePolicy")),
            requester=context.buffer.requester,
        )
    )


def _refused(message: str) -> Exception:
    from moto.sns.exceptions import SNSInvalidParameter

    return SNSInvalidParameter(f"Invalid parameter: {message}")


def _subscribe_request(context: PatchContext) -> Callable[[Any], Any]:
    """A subscription whose attributes are refused does not come to be."""

    def make(original: Any) -> Any:
        def subscribe(self: Any) -> Any:
            subscriptions = self.backend.subscriptions
            before = set(subscriptions)
            _check_unchanged(self)
            try:
                answer = original(self)
            except Exception:
                for arn in set(subscriptions) - before:
                    del subscriptions[arn]
                raise
            endpoint = self._get_param("Endpoint")
            is_function = self._get_param("Protocol") == "lambda"
            if is_function and not context.functions.exists(endpoint):
                # AWS takes it, too: the function may come later, or be another account's.
                context.reporter.event("sns.no_such_function", function=endpoint)
            return answer

        return subscribe

    return make


def _check_unchanged(request: Any) -> None:
    """Subscribing again is no way to change a subscription."""
    existing = request.backend._find_subscription(
        *(request._get_param(name) for name in ("TopicArn", "Endpoint", "Protocol"))
    )
    wanted = request._get_attributes()
    if existing is not None and any(
        existing.attributes.get(name, _DEFAULTS.get(name)) != value
        for name, value in wanted.items()
    ):
        raise _refused("Attributes Reason: Subscription already exists with different attributes")


def _subscribe(original: Any) -> Any:
    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol != "sqs" and self.get_topic(topic_arn).fifo_topic:
            raise _refused(f"Invalid protocol type: {protocol}")
        if protocol == "lambda" and not _FUNCTION.fullmatch(endpoint or ""):
            raise _refused("Lambda endpoint ARN")
        return original(self, topic_arn, endpoint, protocol)

    return subscribe


def _set_subscription_attributes(original: Any) -> Any:
    def set_subscription_attributes(self: Any, arn: str, name: str, value: Any) -> None:
        from moto.sns.utils import FilterPolicyMatcher

        subscription = self.subscriptions.get(arn)
        if subscription is not None and name in _CHECKS:
            _CHECKS[name](subscription, value)
        original(self, arn, name, value)
        if name == "FilterPolicyScope" and subscription._filter_policy:
            policy = subscription._filter_policy
            subscription._filter_policy_matcher = FilterPolicyMatcher(policy, value)

    return set_subscription_attributes


def _check_raw(subscription: Any, value: Any) -> None:
    if value and subscription.protocol == "lambda":
        raise _refused("Delivery protocol [lambda] does not support raw message delivery.")


def _check_scope(subscription: Any, value: Any) -> None:
    if value not in _SCOPES:
        raise _refused(
            f"FilterPolicyScope: Invalid value [{value}]. "
            "Please use either MessageBody or MessageAttributes"
        )


def _check_policy(subscription: Any, value: Any) -> None:
    try:
        is_object = not value or isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise _refused("FilterPolicy: failed to parse JSON.")


def _check_redrive(subscription: Any, value: Any) -> None:
    try:
        is_queue = not value or _QUEUE.fullmatch(_dead_letter_queue(value) or "")
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise _refused("RedrivePolicy: failed to parse JSON.") from None
    if not is_queue:
        raise _refused("RedrivePolicy: deadLetterTargetArn is an invalid arn")


_CHECKS: Final[Mapping[str, Callable[[Any, Any], None]]] = {
    "FilterPolicy": _check_policy,
    "FilterPolicyScope": _check_scope,
    "RawMessageDelivery": _check_raw,
    "RedrivePolicy": _check_redrive,
}


def _dead_letter_queue(redrive_policy: str | None) -> str | None:
    if not redrive_policy:
        return None
    arn: str | None = json.loads(redrive_policy).get("deadLetterTargetArn")
    return arn


def _validate_filter_policy(original: Any) -> Any:
    """moto knows no `cidr`, which is a text like a prefix, and does not look into operands."""

    def validate(self: Any, value: Any, scope: str | None) -> None:
        original(self, _without_cidr(value), scope)
        try:
            if value:
                check_pattern(value)
        except InvalidPattern as error:
            raise _refused(f"FilterPolicy: {error}") from None

    return validate


def _without_cidr(policy: Any) -> Any:
    if isinstance(policy, list):
        return [_without_cidr(each) for each in policy]
    if not isinstance(policy, dict):
        return policy
    if isinstance(policy.get("cidr"), str):
        return {"prefix": policy["cidr"]}
    return {name: _without_cidr(each) for name, each in policy.items()}


def _matches(self: Any, message_attributes: Any, message: str) -> bool:
    if self.filter_policy_scope == "MessageBody":
        return accepts_body(self.filter_policy, message)
    return accepts_attributes(self.filter_policy, message_attributes or {})


def _subscriptions(topic: Any) -> list[Any]:
    """Those of every account: who owns a function subscribes it to another one's topic."""
    from moto.sns.models import sns_backends

    region = topic.sns_backend.region_name
    backends = [dict.get(regions, region) for regions in list(sns_backends.values())]
    return [
        subscription
        for backend in backends
        if backend is not None
        for subscription in list(backend.subscriptions.values())
        if subscription.topic is topic
    ]


def _publish(context: PatchContext) -> Callable[[Any], Any]:
    """To all subscribers, of which moto takes the first hundred; none can fail the publisher."""

    def make(original: Any) -> Any:
        def publish(
            self: Any,
            message: str,
            subject: str | None = None,
            message_attributes: dict[str, Any] | None = None,
            group_id: str | None = None,
            deduplication_id: str | None = None,
            message_structure: str | None = None,
        ) -> str:
            from moto.core.exceptions import ServiceException

            if message_structure == "json":
                _check_structure(message)
            message_id = str(uuid.uuid4())
            for subscription in _subscriptions(self):
                try:
                    subscription.publish(
                        message,
                        message_id,
                        subject=subject,
                        message_attributes=message_attributes,
                        group_id=group_id,
                        deduplication_id=deduplication_id,
                        message_structure=message_structure,
                    )
                except ServiceException as error:  # a queue that is gone
                    context.reporter.event(
                        "sns.not_delivered", target=subscription.endpoint, reason=error.message
                    )
            return message_id  # moto would keep every message for ever

        return publish

    return make


def _check_structure(message: str) -> None:
    try:
        has_default = "default" in json.loads(message)
    except (ValueError, TypeError, RecursionError):
        raise _refused("Message Structure - JSON message body failed to parse") from None
    if not has_default:
        raise _refused("Message Structure - No default entry in JSON message body")


def _for_protocol(message: str, protocol: str) -> str:
    by_protocol = json.loads(message)
    chosen: str = by_protocol.get(protocol) or by_protocol["default"]
    return chosen
