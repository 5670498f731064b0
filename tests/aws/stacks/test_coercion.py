from typing import Any

import pytest

from emulator.aws.stacks.coercion import PropertyProblem, members_of


@pytest.mark.parametrize(
    ("written", "member"),
    [
        ({"Timeout": "5"}, {"Timeout": 5}),
        ({"Timeout": 5.0}, {"Timeout": 5}),
        ({"Publish": "True"}, {"Publish": True}),
        ({"Description": 12}, {"Description": "12"}),
        ({"Description": False}, {"Description": "false"}),
        ({"Environment": {"Variables": {"AA": 1}}}, {"Environment": {"Variables": {"AA": "1"}}}),
        ({"Layers": ["a"]}, {"Layers": ["a"]}),
    ],
)
def test_a_property_gets_the_type_of_its_member(written: Any, member: Any) -> None:
    assert members_of("lambda", "CreateFunction", written) == member


def test_members_that_begin_small_and_policies_that_are_texts_for_the_api() -> None:
    assert members_of("apigateway", "CreateStage", {"RestApiId": "r"}) == {"restApiId": "r"}
    document = {"Version": "2012-10-17"}
    made = members_of("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": document})
    assert made["Policy"] == '{"Version": "2012-10-17"}'


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"Colour": 1}, "#: extraneous key [Colour] is not permitted"),
        ({"Environment": {"Variable": {}}}, "#/Environment: extraneous key [Variable]"),
        ({"Timeout": "soon"}, "#/Timeout: expected type: Integer, found: str"),
        ({"Timeout": 1.5}, "#/Timeout: expected type: Integer, found: float"),
        ({"Timeout": True}, "#/Timeout: expected type: Integer, found: bool"),
        ({"Publish": "maybe"}, "#/Publish: expected type: Boolean, found: str"),
        ({"Layers": "a"}, "#/Layers: expected type: List, found: str"),
        ({"Description": ["a"]}, "#/Description: expected type: String, found: list"),
    ],
)
def test_a_property_that_fits_nothing_is_named(written: Any, text: str) -> None:
    with pytest.raises(PropertyProblem) as caught:
        members_of("lambda", "CreateFunction", written)
    assert text in str(caught.value)
