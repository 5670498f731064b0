"""Cases of the Amazon SNS Developer Guide, and what it leaves open."""

import json
from typing import Any

import pytest

from emulator.aws.filter_policy import accepts_attributes, accepts_body

INTERESTS = '["rugby", "baseball"]'
IP = [{"cidr": "10.0.0.0/24"}]

CASES: list[tuple[dict[str, Any], Any, bool]] = [
    # policy of key k, value of k in the body, whether it is accepted
    ({"k": ["rugby", "tennis"]}, "rugby", True),
    ({"k": ["rugby", "tennis"]}, "baseball", False),
    ({"k": ["rugby"]}, "Rugby", False),
    ({"k": ["rugby"]}, ["rugby", "baseball"], True),
    ({"k": [{"anything-but": ["rugby", "tennis"]}]}, "baseball", True),
    ({"k": [{"anything-but": ["rugby", "tennis"]}]}, "rugby", False),
    ({"k": [{"anything-but": ["rugby", "tennis"]}]}, ["rugby", "baseball"], True),
    ({"k": [{"anything-but": "rugby"}]}, "rugby", False),
    ({"k": [{"anything-but": {"prefix": "order-"}}]}, "data-entry", True),
    ({"k": [{"anything-but": {"prefix": "order-"}}]}, "order-cancelled", False),
    ({"k": [{"anything-but": {"suffix": "ball"}}]}, "baseball", False),
    ({"k": [{"equals-ignore-case": "tennis"}]}, "TENNIS", True),
    ({"k": IP}, "10.0.0.255", True),
    ({"k": IP}, "10.1.1.0", False),
    ({"k": IP}, "here", False),
    ({"k": [{"prefix": "bas"}]}, "baseball", True),
    ({"k": [{"suffix": "ball"}]}, "baseball", True),
    ({"k": [{"suffix": "ball"}]}, "rugby", False),
    ({"k": [301.5]}, 3.015e2, True),
    ({"k": [300]}, 300.0, True),
    ({"k": [300]}, "300", False),
    ({"k": [{"anything-but": [100, 500]}]}, 101, True),
    ({"k": [{"anything-but": [100, 500]}]}, 100.0, False),
    ({"k": [{"numeric": ["=", 301.5]}]}, 301.5, True),
    ({"k": [{"numeric": [">", 0, "<=", 150]}]}, 150, True),
    ({"k": [{"numeric": [">", 0, "<=", 150]}]}, 150.1, False),
    ({"k": [{"numeric": [">", 0]}]}, "1", False),
    ({"k": [True, None]}, True, True),
    ({"k": [True, None]}, None, True),
    ({"k": [1]}, True, False),
    ({"k": [{"exists": True}]}, "", True),
    ({"k": [{"exists": False}]}, "x", False),
    ({"other": [{"exists": False}]}, "x", True),
    ({"other": ["x"]}, "x", False),
    ({"k": [{"prefix": "a"}], "other": ["x"]}, "ab", False),  # AND
    ({"$or": [{"k": ["a"]}, {"other": ["x"]}]}, "a", True),
    ({"$or": [{"k": ["b"]}, {"other": ["x"]}]}, "a", False),
    ({"k": {"in": {"deep": ["x"]}}}, {"in": {"deep": "x", "more": 1}}, True),
    ({"k": {"in": {"deep": ["x"]}}}, {"in": {"deep": "y"}}, False),
    ({"k": {"in": ["x"], "n": [1]}}, [{"in": "x", "n": 2}, {"in": "y", "n": 1}], False),
    ({"k": {"in": ["x"], "n": [1]}}, [{"in": "x", "n": 2}, {"in": "x", "n": 1}], True),
    ({"k": {"in": [{"exists": False}]}}, {}, True),
]


@pytest.mark.parametrize(("policy", "value", "is_accepted"), CASES)
def test_a_body_is_accepted_by(policy: dict[str, Any], value: Any, is_accepted: bool) -> None:
    assert accepts_body(policy, json.dumps({"k": value})) is is_accepted


@pytest.mark.parametrize("body", ["", "text", "[1]", '"k"', "null", '{"k": '])
def test_a_body_that_is_no_json_object_is_accepted_by_no_policy(body: str) -> None:
    assert not accepts_body({"k": [{"exists": False}]}, body)


@pytest.mark.parametrize(
    ("rules", "kind", "value", "is_accepted"),
    [
        (["rugby"], "String", "rugby", True),
        (["rugby"], "String", INTERESTS, False),
        (["rugby"], "String.Array", INTERESTS, True),
        ([{"anything-but": ["rugby", "tennis"]}], "String.Array", INTERESTS, True),
        ([{"prefix": "base"}], "String.Array", INTERESTS, True),
        ([7, True, None], "String.Array", "[true]", True),
        ([7], "String.Array", "[7]", True),
        (["rugby"], "String.Array", "no json", False),
        ([100], "Number", "100.0", True),
        (["100"], "Number", "100", False),
        ([100], "String", "100", False),
        ([{"numeric": [">=", 100]}], "Number", "1e2", True),
        (["aGVsbG8="], "Binary", "aGVsbG8=", False),
        ([{"exists": True}], "String", "x", True),
        ([{"exists": False}], "String", "x", False),
    ],
)
def test_an_attribute_is_accepted_by(
    rules: list[Any], kind: str, value: str, is_accepted: bool
) -> None:
    attributes = {"k": {"Type": kind, "Value": value}}
    assert accepts_attributes({"k": rules}, attributes) is is_accepted


def test_a_message_without_attributes_is_accepted_where_none_may_exist() -> None:
    assert accepts_attributes({"k": [{"exists": False}]}, {})
    assert not accepts_attributes({"k": ["x"]}, {})
