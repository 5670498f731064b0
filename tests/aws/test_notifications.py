from xml.etree import ElementTree

import pytest

from emulator.aws.notifications import BucketNotifications, Refused, Rule, check, parse, render

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
CREATED = "s3:ObjectCreated:*"


def rule(
    *events: str,
    prefix: str | None = None,
    suffix: str | None = None,
    arn: str = FUNCTION,
    rule_id: str = "",
) -> Rule:
    return Rule(
        id=rule_id or str((events, prefix, suffix)),
        kind="function",
        arn=arn,
        events=events,
        prefix=prefix,
        suffix=suffix,
    )


def refusal(*rules: Rule) -> Refused:
    with pytest.raises(Refused) as caught:
        check(BucketNotifications(rules=rules), "us-east-1")
    return caught.value


def document(inner: str) -> bytes:
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return (
        f'<NotificationConfiguration xmlns="{space}">{inner}</NotificationConfiguration>'.encode()
    )


def function_configuration(inner: str = "") -> str:
    return (
        f"<CloudFunctionConfiguration>{inner}<CloudFunction>{FUNCTION}</CloudFunction>"
        f"<Event>{CREATED}</Event></CloudFunctionConfiguration>"
    )


def filter_rules(*rules: tuple[str, str]) -> str:
    inner = "".join(
        f"<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>"
        for name, value in rules
    )
    return f"<Filter><S3Key>{inner}</S3Key></Filter>"


def test_what_is_saved_comes_back_with_capital_filter_names_and_an_id() -> None:
    text = function_configuration(filter_rules(("prefix", "in/"), ("SUFFIX", ".jpg")))
    saved = parse(document(text + "<EventBridgeConfiguration/>"))
    answer = render(saved)
    assert parse(answer.encode()) == saved
    assert saved.event_bridge
    assert saved.rules[0].id
    assert "<Name>Prefix</Name><Value>in/</Value>" in answer
    assert "<Name>Suffix</Name><Value>.jpg</Value>" in answer


def test_an_empty_configuration_is_an_empty_element() -> None:
    assert len(ElementTree.fromstring(render(BucketNotifications()))) == 0


@pytest.mark.parametrize(
    "text", [b"", b"<nonsense", b"<Other/>", document("<QueueConfiguration/>")]
)
def test_malformed_documents_are_refused(text: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parse(text)
    assert caught.value.code == "MalformedXML"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("middle", "x")], "filter rule name must be either prefix or suffix"),
        (
            [("prefix", "x"), ("Prefix", "y")],
            "Cannot specify more than one prefix rule in a filter.",
        ),
    ],
)
def test_bad_filter_rules_are_refused(rules: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(document(function_configuration(filter_rules(*rules))))
    assert caught.value.message == message


@pytest.mark.parametrize("arn", ["f", "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:lambda:x"])
def test_an_arn_of_another_kind_could_not_be_parsed(arn: str) -> None:
    refused = refusal(rule(CREATED, arn=arn))
    assert refused.message == "The ARN could not be parsed"
    assert refused.details == {"ArgumentName": "CloudFunction", "ArgumentValue": arn}


def test_a_target_in_another_region_is_refused() -> None:
    elsewhere = FUNCTION.replace("us-east-1", "eu-west-1")
    assert "destination service region" in refusal(rule(CREATED, arn=elsewhere)).message


def test_an_event_nobody_knows_is_refused_by_name() -> None:
    refused = refusal(rule("s3:ObjectCreated:Append"))
    assert refused.details == {"ArgumentName": "Event", "ArgumentValue": "s3:ObjectCreated:Append"}


def test_an_id_used_twice_is_refused() -> None:
    refused = refusal(rule(CREATED, rule_id="x"), rule("s3:ObjectRemoved:*", rule_id="x"))
    assert refused.details["ArgumentName"] == "Id"


def test_two_rules_without_filters_cannot_share_an_event() -> None:
    refused = refusal(rule(CREATED), rule("s3:ObjectCreated:Put"))
    assert refused.message.startswith("Configurations overlap.")
    assert refused.details == {
        "ArgumentName": "Event",
        "ArgumentValue": f"{CREATED}, s3:ObjectCreated:Put",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rule(CREATED, suffix="jpg"), rule(CREATED, suffix="pg")),
        (rule(CREATED, prefix="a/"), rule(CREATED, suffix=".jpg")),
        (rule(CREATED, prefix="a/"), rule(CREATED, prefix="a/b/")),
        (rule(CREATED), rule(CREATED, prefix="a/")),
    ],
)
def test_overlapping_filters_are_ambiguous(one: Rule, other: Rule) -> None:
    assert refusal(one, other).message.startswith("Configuration is ambiguously defined.")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rule(CREATED, suffix=".jpg"), rule(CREATED, suffix=".png")),
        (rule(CREATED, prefix="a/", suffix=".jpg"), rule(CREATED, prefix="b/", suffix=".jpg")),
        (rule(CREATED), rule("s3:ObjectRemoved:*")),
        (rule("s3:ObjectCreated:Put"), rule("s3:ObjectCreated:Copy")),
    ],
)
def test_rules_that_share_no_event_of_one_key_are_accepted(one: Rule, other: Rule) -> None:
    check(BucketNotifications(rules=(one, other)), "us-east-1")


def test_a_rule_matches_events_and_decoded_keys() -> None:
    images = rule(CREATED, prefix="in/", suffix=".jpg")
    assert images.matches("ObjectCreated:Put", "in/a b.jpg")
    assert not images.matches("ObjectRemoved:Delete", "in/a b.jpg")
    assert not images.matches("ObjectCreated:Put", "in/a b.png")
    assert not images.matches("ObjectCreated:Put", "out/a b.jpg")
