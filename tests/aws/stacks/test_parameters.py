from typing import Any

import pytest

from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.aws.stacks.parameters import values_of


def values(slot: dict[str, Any], *given: str) -> Any:
    stored = {"/name": "kept", "/list": "a,b"}
    return values_of({"P": slot}, {"P": given[0]} if given else {}, stored.get)["P"]


@pytest.mark.parametrize(
    ("slot", "given", "value"),
    [
        ({"Type": "String", "Default": "d"}, [], "d"),
        ({"Type": "String", "Default": "d"}, ["g"], "g"),
        ({"Type": "String", "Default": True}, [], "true"),
        ({"Type": "Number"}, ["5"], 5),
        ({"Type": "Number"}, ["0.5"], 0.5),
        ({"Type": "CommaDelimitedList", "Default": "a, b"}, [], ["a", "b"]),
        ({"Type": "CommaDelimitedList"}, [""], []),
        ({"Type": "List<Number>"}, ["1,2"], [1, 2]),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, ["s-1,s-2"], ["s-1", "s-2"]),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/name"}, [], "kept"),
        ({"Type": "AWS::SSM::Parameter::Value<List<String>>"}, ["/list"], ["a", "b"]),
    ],
)
def test_a_parameter_has_the_value_of_its_type(
    slot: dict[str, Any], given: list[str], value: Any
) -> None:
    assert values(slot, *given) == value


@pytest.mark.parametrize(
    ("slot", "given", "text"),
    [
        ({"Type": "String"}, [], "Parameters: [P] must have values"),
        ({"AllowedValues": ["a", 1]}, ["b"], "Parameter 'P' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-z]+"}, ["A"], "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "Number"}, ["x"], "Parameter 'P' must be a number."),
        ({"Type": "Number", "MinValue": 5}, ["4"], "must be a number not less than 5"),
        ({"Type": "Number", "MaxValue": "5"}, ["6"], "must be a number not greater than 5"),
        ({"MinLength": 3}, ["ab"], "must contain at least 3 characters"),
        ({"MaxLength": 1}, ["ab"], "must contain at most 1 characters"),
        (
            {"AllowedPattern": "a", "ConstraintDescription": "only a"},
            ["b"],
            "Parameter P failed to satisfy constraint: only a",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            ["/nope"],
            "Unable to fetch parameters [/nope] from parameter store for this account.",
        ),
    ],
)
def test_what_a_template_does_not_allow_is_refused(
    slot: dict[str, Any], given: list[str], text: str
) -> None:
    with pytest.raises(TemplateProblem) as caught:
        values(slot, *given)
    assert text in str(caught.value)


def test_a_parameter_that_is_not_declared_is_refused() -> None:
    with pytest.raises(TemplateProblem, match=r"Parameters: \[Q\] do not exist in the template"):
        values_of({}, {"Q": "1"}, lambda _: None)
