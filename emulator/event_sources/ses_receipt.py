"""What SES makes of a message it receives: whom a rule concerns, and what functions are told."""

import email.policy
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses
from typing import Any, Final

from emulator.aws import MailFact

_HEADERS_BYTES: Final = 10_240  # Source: SES Developer Guide, contents of notifications
_CHECKS: Final = ("spam", "virus", "spf", "dkim", "dmarc")
_ID_CHARS: Final = string.ascii_lowercase[:22] + string.digits
_LISTS: Final = {"from": "From", "to": "To", "cc": "Cc", "bcc": "Bcc", "replyTo": "Reply-To"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMail:
    """A message as SES received it."""

    id: str
    source: str
    recipients: tuple[str, ...]
    content: bytes
    at_s: float


def receive(fact: MailFact, message_id: str) -> ReceivedMail:
    """Take a message in: SES puts its own headers in front."""
    moment = format_datetime(datetime.fromtimestamp(fact.at_s, UTC))
    received = (
        f"from localhost (localhost [127.0.0.1]) by inbound-smtp.{fact.region}.amazonaws.com"
        f" with SMTP id {message_id} for {fact.recipients[0]}; {moment}"
    )
    lines = [("Return-Path", f"<{fact.source}>"), ("Received", received)]
    lines += [(f"X-SES-{name.capitalize()}-Verdict", "PASS") for name in _CHECKS[:2]]
    present = _parsed(fact.content)
    if "Date" not in present:
        lines.append(("Date", moment))
    if "Message-ID" not in present:
        lines.append(("Message-ID", f"<{message_id}@{fact.region}.amazonses.com>"))
    mail = ReceivedMail(
        id=message_id,
        source=fact.source,
        recipients=fact.recipients,
        content=fact.content,
        at_s=fact.at_s,
    )
    for name, value in reversed(lines):
        mail = with_header(mail, name, value)
    return mail


def with_header(mail: ReceivedMail, name: str, value: str) -> ReceivedMail:
    """The same message with one more header, in front."""
    line = f"{name}: {value}\r\n".encode()
    return ReceivedMail(
        id=mail.id,
        source=mail.source,
        recipients=mail.recipients,
        content=line + mail.content,
        at_s=mail.at_s,
    )


def new_message_id() -> str:
    """An id in the form of SES's."""
    return "".join(secrets.choice(_ID_CHARS) for _ in range(40))


def concerned(rule_recipients: Sequence[str], recipients: Sequence[str]) -> list[str]:
    """The recipients of a message that a rule is about.

    Source: SES Developer Guide, receipt rules: an address (with or without a label after `+`), a
    domain, or the domains below one (`.example.com`); no entry at all means every recipient.
    """
    if not rule_recipients:
        return list(recipients)
    wanted = [each.lower() for each in rule_recipients]
    return [each for each in recipients if any(_fits(each.lower(), entry) for entry in wanted)]


def record(mail: ReceivedMail, recipients: Sequence[str], action: Mapping[str, Any]) -> Any:
    """The element of `Records`. Source: spec/events.md section 9."""
    return {"eventSource": "aws:ses", "eventVersion": "1.0", "ses": _ses(mail, recipients, action)}


def notification(
    mail: ReceivedMail, recipients: Sequence[str], action: Mapping[str, Any]
) -> dict[str, Any]:
    """What a topic gets. Source: SES Developer Guide, notifications for email receiving."""
    return {"notificationType": "Received", **_ses(mail, recipients, action)}


def _ses(
    mail: ReceivedMail, recipients: Sequence[str], action: Mapping[str, Any]
) -> dict[str, Any]:
    timestamp = datetime.fromtimestamp(mail.at_s, UTC).isoformat(timespec="milliseconds")
    timestamp = timestamp.replace("+00:00", "Z")
    message = _parsed(mail.content)
    headers, is_truncated = _headers(message)
    return {
        "mail": {
            "timestamp": timestamp,
            "source": mail.source,
            "messageId": mail.id,
            "destination": list(mail.recipients),
            "headersTruncated": is_truncated,
            "headers": headers,
            "commonHeaders": _common_headers(message),
        },
        "receipt": {
            "timestamp": timestamp,
            "processingTimeMillis": 0,
            "recipients": list(recipients),
            **{f"{name}Verdict": {"status": "PASS"} for name in _CHECKS},
            "action": dict(action),
        },
    }


def _common_headers(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"returnPath": str(message["Return-Path"] or "").strip("<>")}
    for name, header in _LISTS.items():
        if message[header]:
            found[name] = [each.strip() for each in _addresses(str(message[header]))]
    for name, header in (("date", "Date"), ("messageId", "Message-ID"), ("subject", "Subject")):
        if message[header]:
            found[name] = str(message[header])
    return found


def _addresses(value: str) -> list[str]:
    return [f"{name} <{address}>" if name else address for name, address in getaddresses([value])]


def _headers(message: Message) -> tuple[list[dict[str, str]], bool]:
    found: list[dict[str, str]] = []
    size = 0
    for name, value in message.items():
        size += len(name) + len(str(value))
        if size > _HEADERS_BYTES:
            return found, True
        found.append({"name": name, "value": str(value)})
    return found, False


def _fits(address: str, entry: str) -> bool:
    local, _, domain = address.rpartition("@")
    if "@" in entry:
        wanted, _, wanted_domain = entry.rpartition("@")
        return domain == wanted_domain and wanted in (local, local.partition("+")[0])
    return domain.endswith(entry) if entry.startswith(".") else domain == entry


def _parsed(content: bytes) -> Message:
    return BytesParser(policy=email.policy.default).parsebytes(content, headersonly=True)
