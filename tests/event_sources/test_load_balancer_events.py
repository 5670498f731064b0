"""The event that a load balancer sends, and what a function may answer."""

import json

import pytest

from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.event_sources.load_balancer_events import build_event, parse_response

REQUEST = HttpRequest(
    method="GET",
    path="/orders/a%20b",
    query="x=1&x=%262&flag&y=",
    headers={"host": "web.example:8080", "user-agent": "Agent/1.0", "x-forwarded-for": "10.0.0.5"},
    source_ip="10.0.0.5",
)


def test_a_request_becomes_an_event_with_its_query_undecoded() -> None:
    assert build_event(REQUEST, "arn", is_multi_value=False) == {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "GET",
        "path": "/orders/a%20b",
        "queryStringParameters": {"x": "%262", "flag": "", "y": ""},
        "headers": dict(REQUEST.headers),
        "body": "",
        "isBase64Encoded": False,
    }


def test_with_the_attribute_the_multi_value_keys_take_their_place() -> None:
    event = build_event(REQUEST, "arn", is_multi_value=True)
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "%262"], "flag": [""], "y": [""]}
    assert event["multiValueHeaders"]["user-agent"] == ["Agent/1.0"]
    assert not {"queryStringParameters", "headers"} & set(event)


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ({"content-type": "text/css"}, b"a", "a"),
        ({"content-type": "application/json; charset=utf-8"}, b"{}", "{}"),
        ({"content-type": "application/xml"}, b"<a/>", "<a/>"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", None),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"a", None),
        ({}, b"a", None),
    ],
)
def test_a_body_is_text_or_base64_by_its_type(
    headers: dict[str, str], body: bytes, text: str | None
) -> None:
    request = HttpRequest(method="POST", path="/", headers=headers, body=body)
    event = build_event(request, "arn", is_multi_value=False)
    assert event["isBase64Encoded"] is (text is None)
    assert text is None or event["body"] == text


@pytest.mark.parametrize(
    ("response", "is_multi_value", "answer"),
    [
        ({"statusCode": 204}, False, HttpAnswer(status=204)),
        (
            {"statusCode": 200, "headers": {"X-A": "1"}, "body": "x", "statusDescription": "OK"},
            False,
            HttpAnswer(status=200, headers=(("X-A", "1"),), body=b"x"),
        ),
        (
            {"statusCode": 200, "headers": {"X-A": "1"}, "multiValueHeaders": {"X-B": ["2", "3"]}},
            True,
            HttpAnswer(status=200, headers=(("X-B", "2"), ("X-B", "3"))),
        ),
        (
            {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True},
            False,
            HttpAnswer(status=200, body=b"\x00\x01\xff"),
        ),
        ({"body": "x"}, False, None),
        ({"statusCode": 200, "body": {}}, False, None),
        ({"statusCode": 200, "headers": []}, False, HttpAnswer(status=200)),
        ({"statusCode": 200, "headers": ["a"]}, False, None),
        ("text", False, None),
        ({"statusCode": 200, "body": "x" * 1_048_576}, False, None),
    ],
)  # fmt: skip
def test_a_function_answers_by_the_rules_of_targets(
    response: object, is_multi_value: bool, answer: HttpAnswer | None
) -> None:
    assert parse_response(json.dumps(response).encode(), is_multi_value=is_multi_value) == answer
