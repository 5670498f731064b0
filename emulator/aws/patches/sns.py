"""SNS: one signing key for all messages, HTTP deliveries that hold no lock, and functions."""

import base64
import datetime
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from emulator.aws.patches import sns_subscriptions
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import DEFAULT_ACCOUNT

_CERTIFICATE_NAME: Final = f"SimpleNotificationService-{uuid.uuid4().hex}.pem"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.sns."""
    subscription = "moto.sns.models:Subscription"
    return [
        *sns_subscriptions.patches(context),
        Patch(
            f"{subscription}.get_post_data",
            "self, message, message_id, subject, message_attributes",
            _post_data(context),
        ),
        Patch(
            f"{subscription}.publish",
            "self, message, message_id, subject, message_attributes, group_id, deduplication_id, "
            "message_structure",
            _publish(context),
        ),
    ]


@cache
def signing() -> tuple[Any, bytes]:
    """The private key that signs, and its certificate as PEM; made once, in a tenth of a second."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


def _post_data(context: PatchContext) -> Callable[[Any], Any]:
    """moto makes a key for each subscription and a certificate for each message."""

    def make(original: Any) -> Any:
        def get_post_data(
            self: Any,
            message: str,
            message_id: str,
            subject: str | None,
            message_attributes: dict[str, Any] | None = None,
        ) -> dict[str, Any]:
            region = self.topic.sns_backend.region_name
            _show_certificate(region)
            moment = datetime.datetime.fromtimestamp(context.clock.now(), datetime.UTC)
            data: dict[str, Any] = {
                "Type": "Notification",
                "MessageId": message_id,
                "TopicArn": self.topic.arn,
                "Message": message,
                "Timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
                "SignatureVersion": "1",
                "SigningCertURL": f"https://sns.{region}.amazonaws.com/{_CERTIFICATE_NAME}",
                "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe"
                f"&SubscriptionArn={self.arn}",
            }
            if subject:
                data["Subject"] = subject
            data["Signature"] = _sign(data)
            if message_attributes:
                data["MessageAttributes"] = message_attributes
            return data

        return get_post_data

    return make


def _show_certificate(region: str) -> None:
    """moto serves certificates from the default account, as nobody signs to fetch one."""
    from moto.sns.models import sns_backends

    keys = sns_backends[DEFAULT_ACCOUNT][region]._message_public_keys
    keys.setdefault(_CERTIFICATE_NAME, signing()[1])


def _sign(data: dict[str, Any]) -> str:
    """Signature version 1. Source: Amazon SNS Developer Guide, verifying message signatures."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{data[name]}\n" for name in names if name in data)
    signature = signing()[0].sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())
    return base64.b64encode(signature).decode()


def _publish(context: PatchContext) -> Callable[[Any], Any]:
    """Functions hear of it later; the subscriber at an HTTP endpoint may call back meanwhile."""

    def make(original: Any) -> Any:
        def publish(
            self: Any,
            message: str,
            message_id: str,
            subject: str | None = None,
            message_attributes: dict[str, Any] | None = None,
            group_id: str | None = None,
            deduplication_id: str | None = None,
            message_structure: str | None = None,
        ) -> None:
            given = message, message_id, subject, message_attributes
            if self.protocol == "lambda":
                sns_subscriptions.tell_function(context, self, *given, message_structure)
                return
            arguments = *given, group_id, deduplication_id, message_structure
            if self.protocol not in ("http", "https"):
                original(self, *arguments)
                return
            try:
                with context.locks.released():
                    original(self, *arguments)
            except OSError as error:  # what `requests` raises; the publisher never sees it
                context.reporter.event(
                    "sns.not_delivered", endpoint=self.endpoint, reason=str(error)
                )

        return publish

    return make
