"""Which events a pattern of EventBridge matches, and which patterns are none."""

import json
from typing import Any

import pytest

from emulator.model.event_pattern import InvalidPattern, matches, parse_pattern

EVENT: dict[str, Any] = {
    "source": "shop.orders",
    "detail-type": "Order Placed",
    "resources": ["arn:aws:s3:::one", "arn:aws:s3:::two"],
    "detail": {
        "state": "RUNNING",
        "count": 5,
        "price": 9.5,
        "whole": 300.0,
        "done": True,
        "nothing": None,
        "empty": "",
        "none": [],
        "ip": "10.0.3.7",
        "ip6": "2001:db8::7",
        "path": "images/2026/cat.png",
        "star": "a*b",
        "tags": ["red", "blue"],
        "numbers": [1, 20],
        "nested": [["deep"]],
        "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
        "owner": {"name": "Ada"},
    },
}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"state": ["RUNNING"]}, True),
        ({"state": ["STOPPED", "RUNNING"]}, True),
        ({"state": ["running"]}, False),
        ({"state": ["RUNNING"], "count": [6]}, False),
        ({"missing": ["x"]}, False),
        # Scalars are compared as they are written.
        ({"count": [5]}, True),
        ({"count": ["5"]}, False),
        ({"whole": [300]}, False),
        ({"whole": [300.0]}, True),
        ({"done": [True]}, True),
        ({"done": [1]}, False),
        ({"nothing": [None]}, True),
        ({"missing": [None]}, False),
        ({"empty": [""]}, True),
        ({"nothing": [""]}, False),
        # Arrays: any element.
        ({"tags": ["blue"]}, True),
        ({"tags": ["green"]}, False),
        ({"nested": ["deep"]}, True),
        ({"numbers": [{"numeric": [">", 10]}]}, True),
        ({"items": {"sku": ["b"]}}, True),
        ({"items": {"sku": ["b"], "n": [2]}}, True),
        ({"items": {"sku": ["b"], "n": [1]}}, False),  # not of one element
        ({"items": {"sku": [{"prefix": "c"}]}}, False),
        # Texts.
        ({"path": [{"prefix": "images/"}]}, True),
        ({"path": [{"prefix": "Images/"}]}, False),
        ({"path": [{"prefix": {"equals-ignore-case": "IMAGES/"}}]}, True),
        ({"path": [{"suffix": ".png"}]}, True),
        ({"path": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, True),
        ({"state": [{"equals-ignore-case": "running"}]}, True),
        ({"path": [{"wildcard": "images/*/cat.*"}]}, True),
        ({"path": [{"wildcard": "images/*/dog.*"}]}, False),
        ({"star": [{"wildcard": "a\\*b"}]}, True),
        ({"path": [{"wildcard": "images\\*"}]}, False),
        ({"count": [{"prefix": "5"}]}, False),
        # Numbers.
        ({"count": [{"numeric": ["=", 5]}]}, True),
        ({"whole": [{"numeric": ["=", 300]}]}, True),
        ({"price": [{"numeric": [">", 0, "<=", 9.5]}]}, True),
        ({"price": [{"numeric": [">", 0, "<", 9.5]}]}, False),
        ({"done": [{"numeric": ["=", 1]}]}, False),
        ({"state": [{"numeric": [">", 0]}]}, False),
        # Addresses.
        ({"ip": [{"cidr": "10.0.0.0/16"}]}, True),
        ({"ip": [{"cidr": "10.1.0.0/16"}]}, False),
        ({"ip6": [{"cidr": "2001:db8::/32"}]}, True),
        ({"ip": [{"cidr": "2001:db8::/32"}]}, False),
        ({"state": [{"cidr": "10.0.0.0/16"}]}, False),
        # Presence, of leaves only.
        ({"state": [{"exists": True}]}, True),
        ({"nothing": [{"exists": True}]}, True),
        ({"missing": [{"exists": True}]}, False),
        ({"missing": [{"exists": False}]}, True),
        ({"state": [{"exists": False}]}, False),
        ({"owner": [{"exists": True}]}, False),
        ({"none": [{"exists": True}]}, False),
        ({"gone": {"deeper": [{"exists": False}]}}, True),
        # Anything but.
        ({"state": [{"anything-but": "STOPPED"}]}, True),
        ({"state": [{"anything-but": "RUNNING"}]}, False),
        ({"state": [{"anything-but": ["STOPPED", "RUNNING"]}]}, False),
        ({"count": [{"anything-but": [1, 5]}]}, False),
        ({"count": [{"anything-but": 6}]}, True),
        ({"missing": [{"anything-but": "x"}]}, False),
        ({"path": [{"anything-but": {"prefix": "images"}}]}, False),
        ({"path": [{"anything-but": {"prefix": ["a", "b"]}}]}, True),
        ({"path": [{"anything-but": {"suffix": ".png"}}]}, False),
        ({"path": [{"anything-but": {"wildcard": "*/2025/*"}}]}, True),
        ({"state": [{"anything-but": {"equals-ignore-case": ["running", "x"]}}]}, False),
        # Alternatives.
        ({"$or": [{"count": [6]}, {"state": ["RUNNING"]}]}, True),
        ({"$or": [{"count": [6]}, {"state": ["x"]}]}, False),
        ({"done": [True], "$or": [{"count": [6]}, {"price": [9.5]}]}, True),
        ({"done": [False], "$or": [{"count": [5]}, {"price": [9.5]}]}, False),
    ],
)
def test_an_operator_matches_what_eventbridge_matches(
    detail: dict[str, Any], expected: bool
) -> None:
    assert matches(parse_pattern(json.dumps({"detail": detail})), EVENT) is expected


def test_every_field_of_a_pattern_must_match() -> None:
    pattern = {"source": [{"prefix": "shop."}], "resources": [{"suffix": ":two"}]}
    assert matches(pattern, EVENT)
    assert not matches({**pattern, "detail-type": ["Order Cancelled"]}, EVENT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"source":"a"}', '"source" must be an object or an array'),
        ('{"source":[]}', "Empty arrays are not allowed"),
        ('{"detail":{}}', "Empty objects are not allowed"),
        ('{"a":[{"like":"x"}]}', "Unrecognized match type like"),
        ('{"a":[{"prefix":1}]}', "prefix match pattern must be a string"),
        ('{"a":[{"prefix":"a","suffix":"b"}]}', "Only one key allowed in match expression"),
        ('{"a":[["x"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a":[{"exists":"yes"}]}', "exists match pattern must be either true or false."),
        ('{"a":[{"numeric":["~",1]}]}', "Unrecognized numeric range operator: ~"),
        ('{"a":[{"numeric":[[],1]}]}', "Unrecognized numeric range operator"),
        ('{"a":[{"numeric":[">","1"]}]}', "Value of > must be numeric"),
        ('{"a":[{"numeric":[">",5,"<",1]}]}', "Bottom must be less than top"),
        ('{"a":[{"numeric":[">"]}]}', "Invalid numeric match"),
        ('{"a":[{"cidr":"10.0.0.1"}]}', "Malformed CIDR"),
        ('{"a":[{"wildcard":"a**b"}]}', "Consecutive wildcard characters"),
        ('{"a":[{"wildcard":"a\\\\b"}]}', "Invalid escape character"),
        ('{"a":[{"anything-but":["x",1]}]}', "mixed type is not supported"),
        ('{"a":[{"anything-but":{"numeric":["=",1]}}]}', "Unsupported anything-but pattern"),
        ('{"$or":[{"a":["x"]},{"b":[]}]}', "Empty arrays are not allowed"),
        ('{"a":' * 300 + "[1]" + "}" * 300, "objects inside each other"),
    ],
)
def test_a_pattern_that_eventbridge_refuses_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        parse_pattern(text)
    assert reason in str(refused.value)
