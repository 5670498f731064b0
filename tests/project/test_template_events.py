"""Events of functions in a few words."""

from typing import Any

import pytest

from emulator.project.template_events import events_of

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Api", {"Path": "/a", "Method": "post"}, "POST /a"),
    ("HttpApi", {}, "ANY $default"),
    ("SQS", {"Queue": {"Fn::GetAtt": ["Jobs", "Arn"]}}, "sqs://Jobs"),
    ("SQS", {"Queue": "arn:aws:sqs:us-east-1:000000000000:jobs"}, "sqs://jobs"),
    ("SQS", {"Queue": {"Fn::Sub": "x"}}, "sqs://…"),
    ("S3", {"Bucket": {"Ref": "Photos"}}, "s3://Photos"),
    ("Schedule", {"Schedule": "rate(1 hour)"}, "schedule://rate(1 hour)"),
    ("Cognito", {"UserPool": {"Ref": "Pool"}}, "Cognito"),
]


@pytest.mark.parametrize(("kind", "properties", "summary"), CASES)
def test_an_event_is_told_as_a_trigger_is(
    kind: str, properties: dict[str, Any], summary: str
) -> None:
    events = {"E": {"Type": kind, "Properties": properties}}
    resource = {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}
    assert events_of({"Resources": {"F": resource}}) == {"F": [summary]}


@pytest.mark.parametrize("document", [{}, {"Resources": []}, {"Resources": {"F": None}}])
def test_what_is_no_template_has_none(document: dict[str, Any]) -> None:
    assert events_of(document) == {}
