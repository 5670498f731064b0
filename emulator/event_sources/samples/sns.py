"""Samples of SNS notifications."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import MessageAttribute, NotificationFact
from emulator.event_sources.samples import constants
from emulator.event_sources.sns import record


def notification(
    *,
    topic: str = "commits",
    message: str = "Hello from SNS!",
    subject: str = "",
    attribute: str = "",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A message published to a topic; an attribute is given as name=text, no subject is null."""
    topic_arn = f"arn:aws:sns:{region}:{account}:{topic}"
    subscription_arn = f"{topic_arn}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
    name, _, text = attribute.partition("=")
    host = f"https://sns.{region}.amazonaws.com"
    fact = NotificationFact(
        subscription_arn=subscription_arn,
        function_arn=f"arn:aws:lambda:{region}:{account}:function:hello",
        topic_arn=topic_arn,
        message_id="95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        subject=subject or None,
        message=message,
        timestamp="2026-11-21T10:00:00.123Z",
        signature="EXAMPLEpH+DcEwjAPg8O9mY8dReBSwksfg2S7WKQcikcNKWLQjwu6A4VbeS0QHVCkhRS7fUQvi2e",
        signing_cert_url=f"{host}/SimpleNotificationService-0000000000000000000000.pem",
        unsubscribe_url=f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}",
        attributes={name: MessageAttribute(type="String", value=text)} if name else {},
    )
    return {"Records": [record(fact)]}


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"notification": notification}
