from typing import Any

import pytest

from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.aws.stacks.template import order, parse


def test_yaml_with_short_forms_and_json_mean_the_same() -> None:
    text = """
    Version: 2012-10-17
    A: !Ref Name
    B: !GetAtt Thing.Deep.Arn
    C: !Sub "${Name}-x"
    D: !Join ["", [a, !Ref B]]
    E: !If [C, {x: !Ref D}, !Ref "AWS::NoValue"]
    F: !Condition Big
    """
    assert parse(text) == {
        "Version": "2012-10-17",
        "A": {"Ref": "Name"},
        "B": {"Fn::GetAtt": ["Thing", "Deep.Arn"]},
        "C": {"Fn::Sub": "${Name}-x"},
        "D": {"Fn::Join": ["", ["a", {"Ref": "B"}]]},
        "E": {"Fn::If": ["C", {"x": {"Ref": "D"}}, {"Ref": "AWS::NoValue"}]},
        "F": {"Condition": "Big"},
    }
    assert parse('{"A": {"Ref": "Name"}}') == {"A": {"Ref": "Name"}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [1", "YAML not well-formed"),
        ("just text", "unsupported structure"),
        ("a: !!python/object/apply:os.getcwd []", "YAML not well-formed"),
    ],
)
def test_what_is_no_template_says_so(text: str, why: str) -> None:
    with pytest.raises(TemplateProblem, match=why):
        parse(text)


def uses(*names: str, **more: Any) -> dict[str, Any]:
    return {"Type": "T", "Properties": {"P": [{"Ref": name} for name in names]}, **more}


@pytest.mark.parametrize(
    ("resources", "names"),
    [
        ({"A": uses(), "B": uses()}, ["A", "B"]),
        ({"A": uses("B"), "B": uses()}, ["B", "A"]),
        ({"A": uses(DependsOn="C"), "B": uses("A"), "C": uses()}, ["C", "A", "B"]),
        ({"A": uses("B", "C"), "B": uses("D"), "C": uses("D"), "D": uses()}, ["D", "B", "C", "A"]),
        ({"A": uses("Parameter")}, ["A"]),
    ],
)
def test_each_stands_behind_what_it_needs(resources: Any, names: list[str]) -> None:
    assert order(resources) == names


def test_a_chain_may_be_long() -> None:
    resources = {f"R{i}": uses(f"R{i + 1}") for i in range(5_000)} | {"R5000": uses()}
    assert order(resources)[0] == "R5000"


@pytest.mark.parametrize(
    ("resources", "circle"),
    [
        ({"A": uses("A")}, "A"),
        ({"X": uses("A"), "A": uses("B"), "B": uses("C"), "C": uses(DependsOn=["A"])}, "A, B, C"),
    ],
)
def test_a_circle_is_named(resources: Any, circle: str) -> None:
    with pytest.raises(TemplateProblem) as caught:
        order(resources)
    assert str(caught.value) == f"Circular dependency between resources: [{circle}]"
