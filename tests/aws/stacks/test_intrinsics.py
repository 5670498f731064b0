from collections.abc import Mapping
from typing import Any

import pytest

from emulator.aws.stacks.intrinsics import NO_VALUE, TemplateProblem, holds, references, resolve


class Names:
    """A scope with a parameter, a list, a resource, a mapping and an export."""

    def ref(self, name: str) -> Any:
        known = {"P": "p", "L": ["x", "y"], "N": 5, "AWS::Region": "eu-west-1"}
        return NO_VALUE if name == "AWS::NoValue" else known[name]

    def attribute(self, name: str, attribute: str) -> Any:
        return f"{name}/{attribute}"

    def condition(self, name: str) -> bool:
        return name == "Yes"

    def mapping(self, name: str) -> Mapping[str, Any]:
        return {"eu-west-1": {"size": "big", "nested": {"Ref": "P"}}}

    def exported(self, name: str) -> str:
        return f"exported {name}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"Ref": "P"}, "p"),
        ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
        ({"Fn::GetAtt": ["R", "Arn"]}, "R/Arn"),
        ({"Fn::GetAtt": "R.Outputs.Deep.Name"}, "R/Outputs.Deep.Name"),
        ({"Fn::GetAtt": ["R", {"Ref": "P"}]}, "R/p"),
        ({"Fn::Sub": "${P}-${R.Arn}-${!P}-${ P }-$P"}, "p-R/Arn-${P}-p-$P"),
        ({"Fn::Sub": ["${V}${P}", {"V": {"Fn::Join": ["", ["a", 1, True]]}}]}, "a1truep"),
        ({"Fn::Sub": "${L}"}, "x,y"),
        ({"Fn::Join": ["-", {"Ref": "L"}]}, "x-y"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", {"Ref": "Unknown"}, {"Ref": "P"}]}, "p"),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "size"]}, "big"),
        ({"Fn::FindInMap": ["M", "eu-west-1", "nested"]}, "p"),
        ({"Fn::FindInMap": ["M", "nowhere", "size", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::ImportValue": {"Fn::Sub": "${P}-arn"}}, "exported p-arn"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a"),
        ({"Fn::Base64": {"Ref": "P"}}, "cA=="),
        ({"Fn::ToJsonString": {"a": [{"Ref": "N"}]}}, '{"a":[5]}'),
        ({"Fn::Length": {"Ref": "L"}}, 2),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        (
            {"Condition": {"StringEquals": {"a": {"Ref": "P"}}}},
            {"Condition": {"StringEquals": {"a": "p"}}},
        ),
        ({"Ref": "P", "other": 1}, {"Ref": "P", "other": 1}),
    ],
)
def test_a_function_stands_for_its_value(written: Any, meant: Any) -> None:
    assert resolve(written, Names()) == meant


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"Fn::Select": [2, ["a"]]}, "nonexistent value at index 2"),
        ({"Fn::Join": ["", "text"]}, "Fn::Join requires a list"),
        ({"Fn::GetAtt": "R"}, "requires two non-empty parameters"),
        ({"Fn::FindInMap": ["M", "nowhere", "size"]}, "Unable to get mapping for M::nowhere::size"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "does not apply Fn::Transform"),
    ],
)
def test_what_stands_for_nothing_says_so(written: Any, text: str) -> None:
    with pytest.raises(TemplateProblem, match=text):
        resolve(written, Names())


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ({"Fn::Equals": [{"Ref": "P"}, "p"]}, True),
        ({"Fn::Equals": [{"Ref": "N"}, "5"]}, True),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Not": [{"Condition": "Yes"}]}, False),
        ({"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]}, False),
        ({"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]}, True),
        ({"Fn::Contains": [["1", "2"], {"Ref": "N"}]}, False),
    ],
)
def test_a_condition_holds_or_not(condition: Any, result: bool) -> None:
    assert holds(condition, Names()) is result


def test_references_are_found_in_every_form() -> None:
    written = {
        "a": [{"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}, {"Fn::GetAtt": "C.Arn"}],
        "b": {"Fn::Sub": ["${D} ${E.Arn} ${!F} ${V}", {"V": {"Ref": "G"}}]},
        "c": {"Fn::If": ["Cond", {"Ref": "H"}, {"Fn::Join": ["", [{"Ref": "I"}]]}]},
        "Ref": "not a call: it has siblings",
    }
    assert sorted(references(written)) == list("ABCDEGHI")
