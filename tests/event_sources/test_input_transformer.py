"""What a target gets of an event."""

import json
from typing import Any

import pytest

from emulator.aws import RuleTarget
from emulator.event_sources.input_transformer import compact, fill, target_input
from emulator.event_sources.json_path import MISSING, find

RULE = "arn:aws:events:us-east-1:000000000000:rule/orders/placed"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "e-1",
    "detail-type": "Order Placed",
    "source": "shop",
    "time": "2026-11-22T10:00:00Z",
    "resources": [],
    "detail": {
        "sku": 'a"b',
        "n": 5,
        "ok": True,
        "none": None,
        "items": [{"sku": "x"}, {"sku": "y"}],
        "a/b": {"c-d": "deep"},
    },
}


def given(**members: Any) -> str:
    target = RuleTarget(rule_arn=RULE, arn="arn:aws:sqs:us-east-1:000000000000:q", **members)
    return target_input(target, EVENT, 1_795_341_600.7)


def test_without_anything_said_it_is_the_event() -> None:
    assert json.loads(given()) == EVENT


def test_a_constant_replaces_the_event() -> None:
    assert given(input='{"fixed": 1}') == '{"fixed": 1}'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.source", "shop"),
        ("$.detail-type", "Order Placed"),
        ("$.detail.n", 5),
        ("$.detail.items[1].sku", "y"),
        ("$.detail.items[-1].sku", "y"),
        ("$.detail.items[*].sku", ["x", "y"]),
        ("$.detail.items.*.sku", ["x", "y"]),
        ("$.detail.a/b.c-d", "deep"),
        ("$.detail['a/b']['c-d']", "deep"),
        ("$.detail.items[2]", MISSING),
        ("$.detail.n.deeper", MISSING),
        ("$.gone[*]", MISSING),
        ("detail", MISSING),
        ("$.", MISSING),
    ],
)
def test_a_path_leads_into_the_event(path: str, expected: object) -> None:
    assert find(path, EVENT) == expected


def test_a_part_of_the_event_is_json_again() -> None:
    assert given(input_path="$.detail.items[0]") == '{"sku":"x"}'
    assert given(input_path="$.source") == '"shop"'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"who": <source>}', {"who": "shop"}),  # EventBridge adds the quotes
        ('{"who": "<source>"}', {"who": "shop"}),
        ('{"text": "from <source>: <n>"}', {"text": "from shop: 5"}),
        ('{"n": <n>, "ok": <ok>, "none": <none>}', {"n": 5, "ok": True, "none": None}),
        ('{"items": <items>}', {"items": [{"sku": "x"}, {"sku": "y"}]}),
        ('{"text": "all: <items>"}', {"text": 'all: [{"sku":"x"},{"sku":"y"}]'}),
        ('{"sku": <sku>, "text": "<sku>"}', {"sku": 'a"b', "text": 'a"b'}),
        ('{"said": "\\"<source>\\" \\\\"}', {"said": '"shop" \\'}),
        ('"<source> sold <n>"', "shop sold 5"),
        ('{"gone": <gone>, "text": "[<gone>]"}', {"gone": "", "text": "[]"}),
        ('{"other": "<unknown>"}', {"other": "<unknown>"}),
        ("<source>", "shop"),
    ],
)
def test_a_template_is_filled_in(template: str, expected: object) -> None:
    paths = {
        "source": "$.source",
        "n": "$.detail.n",
        "ok": "$.detail.ok",
        "none": "$.detail.none",
        "items": "$.detail.items",
        "sku": "$.detail.sku",
        "gone": "$.detail.gone",
    }
    assert json.loads(given(input_paths=paths, input_template=template)) == expected


def test_reserved_variables_need_no_path() -> None:
    template = (
        '{"arn": "<aws.events.rule-arn>", "name": <aws.events.rule-name>,'
        ' "came": <aws.events.event.ingestion-time>,'
        ' "event": <aws.events.event>, "all": <aws.events.event.json>}'
    )
    assert json.loads(given(input_template=template)) == {
        "arn": RULE,
        "name": "placed",
        "came": "2026-11-22T10:00:00Z",
        "event": {name: value for name, value in EVENT.items() if name != "detail"},
        "all": EVENT,
    }


def test_what_is_put_in_is_not_filled_in_again() -> None:
    assert fill("<a>", {"a": "<b>", "b": 1}) == '"<b>"'


def test_half_a_surrogate_pair_costs_no_event() -> None:
    assert compact({"a": "\ud800ä"}) == '{"a":"?ä"}'
    assert fill("it is <a>", {"a": "\ud800ä"}) == "it is ?ä"
