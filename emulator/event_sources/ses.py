"""SES: from a message received to the actions of the receipt rules about it."""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, MailFact, ReceiptRule
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.ses_receipt import (
    ReceivedMail,
    concerned,
    new_message_id,
    notification,
    receive,
    record,
    with_header,
)
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import AwsError, Call, LambdaError

_NAME: Final = "ses"
_PRINCIPAL: Final = "ses.amazonaws.com"
_LIMIT_MS: Final = 30_000  # of a function that SES waits for
_TOPIC_BYTES: Final = 153_600  # of a message that is published whole
_SUBJECT: Final = "Amazon SES Email Receipt Notification"

CONTINUE: Final = "CONTINUE"
STOP_RULE: Final = "STOP_RULE"
STOP_RULE_SET: Final = "STOP_RULE_SET"


@dataclass(kw_only=True, slots=True)
class _Turn:
    """One rule's turn with a message, which its actions may change."""

    fact: MailFact
    rule: ReceiptRule
    mail: ReceivedMail
    recipients: list[str]


class ReceivedMails(EventSource):
    """Applies the active rule set to each message, on a thread of the message's own.

    Any thread may call. Nothing is kept: rules live in moto. An action that fails is told on the
    terminal, and the next one runs.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lanes = Lanes(_NAME, around.activity, around.reporter)
        self._actions: Mapping[str, Callable[[_Turn, Mapping[str, Any]], str]] = {
            "LambdaAction": self._invoke,
            "S3Action": self._store,
            "SNSAction": self._publish,
            "AddHeaderAction": self._add_header,
            "StopAction": self._stop,
        }
        around.moto.subscribe(self._on_fact, MailFact)

    @override
    def stop(self, grace_s: float) -> None:
        """Wait for the functions that run."""
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, MailFact)
        self._lanes.put(str(uuid.uuid4()), partial(self._apply, fact))

    def _apply(self, fact: MailFact) -> None:
        mail = receive(fact, new_message_id())
        for rule in fact.rules:
            recipients = concerned(rule.recipients, fact.recipients)
            if not recipients:
                continue
            turn = _Turn(fact=fact, rule=rule, mail=mail, recipients=recipients)
            if self._run(turn) == STOP_RULE_SET:
                return
            mail = turn.mail

    def _run(self, turn: _Turn) -> str:
        for name, settings in turn.rule.actions:
            try:
                action = self._actions.get(name)
                if action is None:
                    raise NotImplementedError(f"the emulator has no {name}")
                disposition = action(turn, settings)
            except (AwsError, LambdaError, NotImplementedError) as error:
                self.around.reporter.event(
                    "ses.action_failed", rule=turn.rule.name, action=name, reason=error
                )
                continue
            if disposition != CONTINUE:
                return disposition
        return CONTINUE

    def _invoke(self, turn: _Turn, settings: Mapping[str, Any]) -> str:
        arn, waits = settings["FunctionArn"], settings.get("InvocationType") == "RequestResponse"
        action = {
            "type": "Lambda",
            **_topic(settings),
            "functionArn": arn,
            "invocationType": "RequestResponse" if waits else "Event",
        }
        self._check(turn, arn)
        call = _call(turn, arn, record(turn.mail, turn.recipients, action))
        if not waits:
            self.around.invoker.accept(call)
            self._notify(turn, settings, action)
            return CONTINUE
        result, _ = self.around.invoker.run(call)
        if result.function_error is not None or result.duration_ms > _LIMIT_MS:
            raise LambdaError("ServiceException", "the function failed, or took over 30 seconds")
        self._notify(turn, settings, action)
        return disposition_of(result.payload)

    def _check(self, turn: _Turn, function_arn: str) -> None:
        fact = turn.fact
        source = (
            f"arn:aws:ses:{fact.region}:{fact.account}:receipt-rule-set/{fact.rule_set}"
            f":receipt-rule/{turn.rule.name}"
        )
        permissions = self.around.moto.permissions
        if not permissions.allows(function_arn, _PRINCIPAL, source, fact.account):
            raise LambdaError("AccessDeniedException", "its policy does not allow it")

    def _store(self, turn: _Turn, settings: Mapping[str, Any]) -> str:
        if settings.get("KmsKeyArn"):
            raise NotImplementedError("the emulator does not encrypt messages (KmsKeyArn)")
        bucket, prefix = settings["BucketName"], settings.get("ObjectKeyPrefix") or ""
        key = f"{prefix}{turn.mail.id}"
        self.around.moto.buckets.put(
            turn.fact.account,
            turn.fact.region,
            bucket,
            key,
            turn.mail.content,
            content_type="application/octet-stream",
        )
        action = {
            "type": "S3",
            **_topic(settings),
            "bucketName": bucket,
            "objectKeyPrefix": prefix,
            "objectKey": key,
        }
        self._notify(turn, settings, action)
        return CONTINUE

    def _publish(self, turn: _Turn, settings: Mapping[str, Any]) -> str:
        if len(turn.mail.content) > _TOPIC_BYTES:
            raise AwsError("MessageRejected", f"the message is larger than {_TOPIC_BYTES} bytes")
        encoding = settings.get("Encoding") or "UTF-8"
        content = (
            base64.b64encode(turn.mail.content).decode()
            if encoding == "Base64"
            else turn.mail.content.decode(errors="replace")
        )
        action = {"type": "SNS", **_topic(settings), "encoding": encoding.upper()}
        self._notify(turn, settings, action, content=content)
        return CONTINUE

    def _add_header(self, turn: _Turn, settings: Mapping[str, Any]) -> str:
        turn.mail = with_header(turn.mail, settings["HeaderName"], settings["HeaderValue"])
        return CONTINUE

    def _stop(self, turn: _Turn, settings: Mapping[str, Any]) -> str:
        self._notify(turn, settings, {"type": "Stop", **_topic(settings)})
        return STOP_RULE_SET

    def _notify(
        self, turn: _Turn, settings: Mapping[str, Any], action: Mapping[str, Any], **more: str
    ) -> None:
        """Publish to the action's topic, if it has one."""
        if not settings.get("TopicArn"):
            return
        document = notification(turn.mail, turn.recipients, action) | more
        self.around.moto.topics.publish(settings["TopicArn"], json.dumps(document), _SUBJECT)


def disposition_of(payload: bytes) -> str:
    """How a function lets SES go on; CONTINUE where it does not say."""
    try:
        answer = json.loads(payload)
    except ValueError:
        return CONTINUE
    wanted = answer.get("disposition") if isinstance(answer, dict) else None
    if not isinstance(wanted, str):
        return CONTINUE
    return wanted.upper() if wanted.upper() in (STOP_RULE, STOP_RULE_SET) else CONTINUE


def _topic(settings: Mapping[str, Any]) -> dict[str, str]:
    return {"topicArn": settings["TopicArn"]} if settings.get("TopicArn") else {}


def _call(turn: _Turn, function_arn: str, element: Mapping[str, Any]) -> Call:
    return Call.to(
        function_arn,
        json.dumps({"Records": [element]}, separators=(",", ":")).encode(),
        source=_NAME,
        cause=turn.mail.id,
    )
