"""Which records filters let through. Source: spec/event-source-mappings.md section 6."""

import base64
import json
from typing import Any

import pytest

from emulator.event_sources.filter_pattern import Filters, kinesis_view

JSON_BODY = '{"a":"x","n":5,"list":[1,2]}'
RECORD = {"messageId": "m", "attributes": {"SenderId": "me"}, "messageAttributes": {}}


def sqs(body: str, *patterns: Any) -> bool:
    filters = Filters([json.dumps(pattern) for pattern in patterns], "body")
    return filters.let_through({**RECORD, "body": body})


@pytest.mark.parametrize(
    ("body", "pattern", "passes"),
    [
        # The table of formats that do not fit each other.
        ("text", {"body": ["text"]}, True),
        ("text", {"body": ["other"]}, False),
        ("text", {"body": [{"prefix": "te"}]}, True),
        ("text", {"body": {"a": ["x"]}}, False),
        ("text", {"body": {"a": [{"exists": False}]}}, False),
        ("{text", {"body": ["{text"]}, True),
        ("5", {"body": ["5"]}, True),
        (JSON_BODY, {"body": [JSON_BODY]}, False),
        (JSON_BODY, {"body": [{"exists": True}]}, False),
        (JSON_BODY, {"body": {"a": ["x"]}}, True),
        (JSON_BODY, {"body": {"a": ["y"]}}, False),
        (JSON_BODY, {"body": {"b": [{"exists": False}]}}, True),
        ("text", {"attributes": {"SenderId": ["me"]}}, True),
        (JSON_BODY, {"messageId": ["m"]}, True),
        (JSON_BODY, {"messageId": ["n"]}, False),
        # No coercion, but numbers are numbers.
        (JSON_BODY, {"body": {"n": ["5"]}}, False),
        (JSON_BODY, {"body": {"n": [5.0]}}, True),
        ('{"n":5.0}', {"body": {"n": [5]}}, True),
        ('{"n":5.5}', {"body": {"n": [5]}}, False),
        ('{"n":true}', {"body": {"n": [1]}}, False),
        (JSON_BODY, {"body": {"n": [{"numeric": [">", 1, "<=", 5]}]}}, True),
        ('{"n":"5"}', {"body": {"n": [{"numeric": ["=", 5]}]}}, False),
        ('{"n":null}', {"body": {"n": [None]}}, True),
        ('{"n":""}', {"body": {"n": [""]}}, True),
        # Arrays: any element.
        (JSON_BODY, {"body": {"list": [2]}}, True),
        ('[{"a":"x"},{"a":"y"}]', {"body": {"a": ["y"]}}, True),
        # Keys are and-ed, $or is not.
        (JSON_BODY, {"body": {"a": ["x"]}, "messageId": ["n"]}, False),
        (JSON_BODY, {"body": {"$or": [{"a": ["y"]}, {"n": [5]}]}}, True),
        (JSON_BODY, {"body": {"a": [{"anything-but": ["y"]}]}}, True),
        (JSON_BODY, {"body": {"a": [{"equals-ignore-case": "X"}]}}, True),
    ],
)
def test_which_messages_pass(body: str, pattern: Any, passes: bool) -> None:
    assert sqs(body, pattern) is passes


def test_filters_are_or_ed_and_none_lets_all_through() -> None:
    assert sqs(JSON_BODY, {"body": {"a": ["y"]}}, {"body": {"a": ["x"]}})
    assert not sqs(JSON_BODY, {"body": {"a": ["y"]}}, {"body": {"a": ["z"]}})
    assert sqs(JSON_BODY)


def test_kinesis_data_is_decoded_and_its_metadata_stand_at_the_top() -> None:
    data = base64.b64encode(JSON_BODY.encode()).decode()
    view = kinesis_view({"kinesis": {"data": data, "partitionKey": "p"}, "eventName": "n"})
    for pattern in ({"data": {"n": [5]}}, {"partitionKey": ["p"]}, {"eventName": ["n"]}):
        assert Filters([json.dumps(pattern)], "data").let_through(view)
    assert not Filters(['{"data":["5"]}'], "data").let_through(view)


def test_a_number_of_dynamodb_is_a_text() -> None:
    record = {"dynamodb": {"NewImage": {"n": {"N": "5"}}, "ApproximateCreationDateTime": 17.5}}
    numeric = [{"numeric": [">", 1]}]
    image = {"dynamodb": {"NewImage": {"n": {"N": numeric}}}}
    assert not Filters([json.dumps(image)], None).let_through(record)
    time = {"dynamodb": {"ApproximateCreationDateTime": numeric}}
    assert Filters([json.dumps(time)], None).let_through(record)
