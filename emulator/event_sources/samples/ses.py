"""Samples of mail that SES receives."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import MailFact
from emulator.event_sources.samples import constants
from emulator.event_sources.ses_receipt import receive, record


def receipt(
    *,
    sender: str = "jane@example.com",
    recipient: str = "johndoe@example.com",
    subject: str = "Test Subject",
    invocation: str = "Event",
    function: str = "hello",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A message that a receipt rule hands to a function."""
    content = f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nHello.\r\n"
    fact = MailFact(
        account=account,
        region=region,
        source=sender,
        recipients=(recipient,),
        content=content.encode(),
        at_s=constants.AT_S,
        rule_set="inbound",
        rules=(),
    )
    mail = receive(fact, "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1")
    action = {
        "type": "Lambda",
        "functionArn": f"arn:aws:lambda:{region}:{account}:function:{function}",
        "invocationType": invocation,
    }
    return {"Records": [record(mail, [recipient], action)]}


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"receipt": receipt}
