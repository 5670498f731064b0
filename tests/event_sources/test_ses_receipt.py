"""What SES makes of a message it receives."""

from typing import Any

import pytest

from emulator.aws import MailFact
from emulator.event_sources.ses import CONTINUE, STOP_RULE, STOP_RULE_SET, disposition_of
from emulator.event_sources.ses_receipt import concerned, receive, record

ACTION = {"type": "Lambda", "functionArn": "arn", "invocationType": "Event"}


def fact(content: bytes) -> MailFact:
    return MailFact(
        account="000000000000",
        region="eu-west-1",
        source="a@x.org",
        recipients=("b@example.com",),
        content=content,
        at_s=1795392005.5,
        rule_set="s",
        rules=(),
    )


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), ["Ann+x@Example.com", "bob@sub.example.com"]),
        (("ann@example.com",), ["Ann+x@Example.com"]),
        (("ann+x@example.com",), ["Ann+x@Example.com"]),
        (("ann+y@example.com",), []),
        (("example.com",), ["Ann+x@Example.com"]),
        ((".example.com",), ["bob@sub.example.com"]),
        (("sub.example.com", "example.com"), ["Ann+x@Example.com", "bob@sub.example.com"]),
        (("xample.com",), []),
    ],
)
def test_whom_a_rule_concerns(entries: tuple[str, ...], expected: list[str]) -> None:
    assert concerned(entries, ["Ann+x@Example.com", "bob@sub.example.com"]) == expected


def test_the_event_has_the_members_of_aws() -> None:
    content = b"From: Ann <a@x.org>\r\nTo: b@example.com\r\nSubject: Hi\r\n\r\nbody"
    event: Any = record(receive(fact(content), "id"), ["b@example.com"], ACTION)
    assert (event["eventSource"], event["eventVersion"]) == ("aws:ses", "1.0")
    mail, receipt = event["ses"]["mail"], event["ses"]["receipt"]
    headers = {each["name"]: each["value"] for each in mail.pop("headers")}
    assert headers["Return-Path"] == "<a@x.org>"
    assert headers["X-SES-Spam-Verdict"] == "PASS"
    assert "body" not in str(event)
    assert mail == {
        "timestamp": "2026-11-23T00:00:05.500Z",
        "source": "a@x.org",
        "messageId": "id",
        "destination": ["b@example.com"],
        "headersTruncated": False,
        "commonHeaders": {
            "returnPath": "a@x.org",
            "from": ["Ann <a@x.org>"],
            "to": ["b@example.com"],
            "date": "Mon, 23 Nov 2026 00:00:05 +0000",
            "messageId": "<id@eu-west-1.amazonses.com>",
            "subject": "Hi",
        },
    }
    passed = {"status": "PASS"}
    assert receipt == {
        "timestamp": "2026-11-23T00:00:05.500Z",
        "processingTimeMillis": 0,
        "recipients": ["b@example.com"],
        **{f"{name}Verdict": passed for name in ("spam", "virus", "spf", "dkim", "dmarc")},
        "action": ACTION,
    }


def test_headers_over_ten_kilobytes_are_cut() -> None:
    content = b"".join(b"X-%d: %s\r\n" % (at, b"x" * 900) for at in range(20)) + b"\r\nbody"
    mail = record(receive(fact(content), "id"), ["b@example.com"], ACTION)["ses"]["mail"]
    assert mail["headersTruncated"] is True
    assert 5 < len(mail["headers"]) < 20


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"disposition":"STOP_RULE"}', STOP_RULE),
        (b'{"disposition":"stop_rule_set"}', STOP_RULE_SET),
        (b'{"disposition":"CONTINUE"}', CONTINUE),
        (b'{"disposition":"other"}', CONTINUE),
        (b'{"disposition":1}', CONTINUE),
        (b"null", CONTINUE),
        (b"x", CONTINUE),
    ],
)
def test_dispositions(payload: bytes, expected: str) -> None:
    assert disposition_of(payload) == expected
