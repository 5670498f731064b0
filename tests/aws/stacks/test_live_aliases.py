"""Aliases of live code point at what was saved last."""

from typing import Any

import pytest

from emulator.aws.stacks.live_aliases import follow_live_code

LIVE = {"S3Bucket": "hot-reload", "S3Key": "/src"}


def template(
    code: Any = LIVE, alias: dict[str, Any] | None = None, **function: Any
) -> dict[str, Any]:
    points_at = {"Fn::GetAtt": ["V", "Version"]}
    properties = {"Name": "live", "FunctionVersion": points_at, **(alias or {})}
    return {
        "Resources": {
            "F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": code, **function}},
            "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
            "A": {"Type": "AWS::Lambda::Alias", "Properties": properties},
        }
    }


def test_an_alias_of_live_code_points_at_latest_and_its_version_goes() -> None:
    made = follow_live_code(template())["Resources"]
    assert made["A"]["Properties"] == {"Name": "live", "FunctionVersion": "$LATEST"}
    assert list(made) == ["F", "A"]


@pytest.mark.parametrize(
    "more",
    [
        {"Outputs": {"Version": {"Value": {"Ref": "V"}}}},
        {"Outputs": {"Version": {"Value": {"Fn::GetAtt": ["V", "Version"]}}}},
    ],
)
def test_a_version_that_something_needs_stays(more: dict[str, Any]) -> None:
    assert "V" in follow_live_code({**template(), **more})["Resources"]


FIXED = [
    template(code={"S3Bucket": "b", "S3Key": "k"}),
    template(code={"ZipFile": "def handler"}),
    template(SnapStart={"ApplyOn": "PublishedVersions"}),
    template(alias={"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}),
    template(alias={"RoutingConfig": {"AdditionalVersionWeights": []}}),
    template(alias={"FunctionVersion": "3"}),
    {"Resources": []},
    {},
]


@pytest.mark.parametrize("document", FIXED)
def test_other_aliases_stay_as_they_are(document: dict[str, Any]) -> None:
    assert follow_live_code(document) == document
