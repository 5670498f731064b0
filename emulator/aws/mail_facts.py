"""What SES tells: mail to a domain that it receives mail for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptRule:
    """What is to happen to mail for some recipients."""

    name: str
    recipients: tuple[str, ...] = ()  # addresses and domains; none: all
    actions: tuple[tuple[str, Mapping[str, Any]], ...] = ()  # SES's name of each, its settings


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFact(Fact):
    """A message reached SES while a receipt rule set was active."""

    account: str
    region: str
    source: str  # the envelope's sender
    recipients: tuple[str, ...]
    content: bytes  # headers and body, as sent
    at_s: float
    rule_set: str
    rules: tuple[ReceiptRule, ...]  # those that are enabled
