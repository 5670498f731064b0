"""What stacks cannot make is left out of a project's template, unless something needs it."""

from typing import Any

import pytest

from emulator.aws.stacks.left_out import without_unknown
from emulator.model.project_stack import TemplateRefused

CDN = {"Type": "AWS::CloudFront::Distribution", "Properties": {"Origin": {"Ref": "Queue"}}}
QUEUE = {"Type": "AWS::SQS::Queue"}


def is_known(kind: str) -> bool:
    return "CloudFront" not in kind


def left(resources: Any, **sections: Any) -> tuple[dict[str, Any], dict[str, str]]:
    return without_unknown({"Resources": resources, **sections}, is_known)


def test_a_resource_that_nothing_needs_is_left_out_and_told() -> None:
    ordered = {**QUEUE, "DependsOn": ["Cdn", "Queue"]}
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["Cdn", "DomainName"]}}, "Q": {"Value": "q"}}
    made, left_out = left({"Queue": QUEUE, "Cdn": CDN, "After": ordered}, Outputs=outputs)
    assert left_out == {"Cdn": "AWS::CloudFront::Distribution"}
    assert made == {
        "Resources": {"Queue": QUEUE, "After": {**QUEUE, "DependsOn": ["Queue"]}},
        "Outputs": {"Q": {"Value": "q"}},
    }


def test_a_policy_of_updates_does_not_need_it() -> None:
    policy = {"CodeDeployLambdaAliasUpdate": {"ApplicationName": {"Ref": "Cdn"}}}
    made, _ = left({"Cdn": CDN, "Queue": {**QUEUE, "UpdatePolicy": policy}})
    assert made["Resources"] == {"Queue": QUEUE}


NEEDS = [
    {"Ref": "Cdn"},
    {"Fn::GetAtt": ["Cdn", "DomainName"]},
    {"Fn::Sub": "https://${Cdn.DomainName}/"},
    {"Fn::Join": ["", ["x", {"Ref": "Cdn"}]]},
]


@pytest.mark.parametrize("value", NEEDS)
def test_a_property_that_needs_it_is_named(value: Any) -> None:
    properties = {"Names": [{"Url": value}]}
    with pytest.raises(TemplateRefused) as refused:
        left({"Cdn": CDN, "Queue": {**QUEUE, "Properties": properties}})
    [mistake] = refused.value.mistakes
    assert mistake.place == "Resources.Queue.Properties.Names[0].Url"
    assert "AWS::CloudFront::Distribution" in mistake.text


@pytest.mark.parametrize("document", [{"Resources": {"Queue": QUEUE}}, {"Resources": []}, {}])
def test_a_template_that_stacks_can_make_is_not_changed(document: dict[str, Any]) -> None:
    assert without_unknown(document, is_known) == (document, {})
