"""SES: mail to a domain of the account's own is received, by the rules that moto stores."""

from collections.abc import Callable, Iterable
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Final

from emulator.aws.mail_facts import MailFact, ReceiptRule
from emulator.aws.patches.patching import Patch, PatchContext

_BACKEND: Final = "moto.ses.models:SESBackend"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.ses, which SES's newer API uses too."""
    return [
        Patch(
            f"{_BACKEND}.send_email", "self, source, subject, body, destinations", _send(context)
        ),
        Patch(
            f"{_BACKEND}.send_raw_email",
            "self, source, destinations, raw_data",
            _send_raw(context),
        ),
    ]


def _send(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def send_email(
            self: Any, source: str, subject: str, body: str, destinations: dict[str, list[str]]
        ) -> Any:
            message = original(self, source, subject, body, destinations)
            content = EmailMessage()
            content["From"], content["Subject"] = source, subject or ""
            for header, name in (("To", "ToAddresses"), ("Cc", "CcAddresses")):
                if destinations.get(name):
                    content[header] = ", ".join(destinations[name])
            # moto hands on one body, and not whether it is HTML.
            is_html = (body or "").lstrip().startswith("<")
            content.set_content(body or "", subtype="html" if is_html else "plain")
            every = [address for addresses in destinations.values() for address in addresses]
            _receive(context, self, source, every, content.as_bytes())
            return message

        return send_email

    return make


def _send_raw(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def send_raw_email(self: Any, source: str, destinations: list[str], raw_data: str) -> Any:
            message = original(self, source, destinations, raw_data)
            _receive(context, self, message.source, message.destinations, raw_data.encode())
            return message

        return send_raw_email

    return make


def _receive(
    context: PatchContext, backend: Any, source: str, recipients: Iterable[str], content: bytes
) -> None:
    active = backend.describe_active_receipt_rule_set()
    if active is None:
        return
    addresses = dict.fromkeys(parseaddr(each)[1] for each in recipients)
    ours = tuple(each for each in addresses if _is_ours(backend, each))
    if not ours:
        context.reporter.event(
            "ses.not_received",
            recipients=", ".join(addresses),
            rule_set=active.name,
            hint="no recipient's domain is verified: `aws ses verify-domain-identity`",
        )
        return
    context.buffer.tell(
        MailFact(
            account=backend.account_id,
            region=backend.region_name,
            source=parseaddr(source)[1],
            recipients=ours,
            content=content,
            at_s=context.clock.now(),
            rule_set=active.name,
            rules=tuple(_rule(each) for each in active.rules if each.get("Enabled")),
        )
    )


def _is_ours(backend: Any, address: str) -> bool:
    """Whether the account receives mail for the address's domain, or for one above it."""
    parts = address.rpartition("@")[2].lower().split(".")
    return any(".".join(parts[at:]) in backend.email_identities for at in range(len(parts)))


def _rule(rule: dict[str, Any]) -> ReceiptRule:
    return ReceiptRule(
        name=rule["Name"],
        recipients=tuple(rule.get("Recipients") or ()),
        actions=tuple(
            (name, settings)
            for action in rule.get("Actions") or ()
            for name, settings in action.items()
            if settings is not None
        ),
    )
