"""Rules of REST APIs: values in, values out."""

import json
from typing import Any

import pytest

from emulator.event_sources.api_gateway.addresses import Address, address_of, split_stage
from emulator.event_sources.api_gateway.authorizer_answers import InvalidAnswer, parse_policy_answer
from emulator.event_sources.api_gateway.json_values import JsonObject, wrap
from emulator.event_sources.api_gateway.paths import best_match
from emulator.event_sources.api_gateway.policy_document import InvalidPolicy, allows
from emulator.event_sources.api_gateway.templates import Input, TemplateFailed, render
from emulator.event_sources.http_messages import HttpAnswer
from emulator.event_sources.payload_v1 import parse_response
from tests.event_sources.rest_api.rest_lab import policy

JSON = ("Content-Type", "application/json")

# --- addresses and paths -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("a1.execute-api.localhost:4566", "/dev/x", Address(api_id="a1", path="/dev/x")),
        ("A1.Execute-API.us-east-1.amazonaws.com", "/", Address(api_id="a1", path="/")),
        ("localhost:4566", "/_aws/execute-api/a1/dev/x/y", Address(api_id="a1", path="/dev/x/y")),
        ("localhost", "/_aws/execute-api/a1", Address(api_id="a1", path="/")),
        ("localhost", "/restapis/a1/dev/_user_request_/x", Address(api_id="a1", path="/dev/x")),
        ("localhost", "/restapis/a1/dev/_user_request_", Address(api_id="a1", path="/dev")),
        ("localhost", "/restapis/a1/stages", None),
        ("localhost", "/x", None),
    ],
)
def test_an_address_names_an_api_in_three_forms(
    host: str, path: str, address: Address | None
) -> None:
    assert address_of(host, path) == address


@pytest.mark.parametrize(
    ("path", "stage"), [("/dev/a/b", ("dev", "/a/b")), ("/dev", ("dev", "/")), ("/", ("", "/"))]
)
def test_the_first_segment_of_a_path_is_its_stage(path: str, stage: tuple[str, str]) -> None:
    assert split_stage(path) == stage


TEMPLATES = ["/", "/a", "/{x}", "/a/{b}", "/a/{b}/c", "/{x}/d", "/{proxy+}", "/a/{rest+}"]


@pytest.mark.parametrize(
    ("path", "template", "variables"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a/", "/a", {}),
        ("/z", "/{x}", {"x": "z"}),
        ("/a/1", "/a/{b}", {"b": "1"}),
        ("/a/d", "/a/{b}", {"b": "d"}),  # segments count from the left
        ("/z/d", "/{x}/d", {"x": "z"}),
        ("/a/1/c", "/a/{b}/c", {"b": "1"}),
        ("/a/1/d", "/a/{rest+}", {"rest": "1/d"}),
        ("/z/1/2", "/{proxy+}", {"proxy": "z/1/2"}),
        ("/%C3%A9%20", "/{x}", {"x": "é "}),
    ],
)
def test_the_most_specific_resource_answers(
    path: str, template: str, variables: dict[str, str]
) -> None:
    match = best_match(TEMPLATES, path)
    assert match is not None
    assert (match.template, match.variables) == (template, variables)


def test_a_greedy_variable_needs_a_segment() -> None:
    assert best_match(["/{proxy+}", "/a/{b}"], "/") is None


# --- answers of functions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ({"statusCode": 204}, HttpAnswer(status=204, headers=(JSON,))),
        ({"statusCode": "201", "body": "x"}, HttpAnswer(status=201, headers=(JSON,), body=b"x")),
        (
            {
                "statusCode": 200,
                "headers": {"content-type": "text/plain", "X-A": "1", "X-N": 2},
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-a": ["1", "3"]},
            },
            HttpAnswer(
                status=200,
                headers=(
                    ("content-type", "text/plain"),
                    ("X-A", "1"),
                    ("X-N", "2"),
                    ("Set-Cookie", "a=1"),
                    ("Set-Cookie", "b=2"),
                    ("x-a", "3"),
                ),
            ),
        ),
        (
            {"statusCode": 401, "headers": {"WWW-Authenticate": "Basic"}},
            HttpAnswer(status=401, headers=(("x-amzn-Remapped-WWW-Authenticate", "Basic"), JSON)),
        ),
        (
            {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True},
            HttpAnswer(status=200, headers=(JSON,), body=b"AAH/"),  # nothing says it is binary
        ),
        ("text", None),
        ({"body": "no status"}, None),
        ({"statusCode": "abc"}, None),
        ({"statusCode": 200.5}, None),
        ({"statusCode": 200, "body": {"a": 1}}, None),
        ({"statusCode": 200, "headers": {"a": ["b"]}}, None),
        ({"statusCode": 200, "multiValueHeaders": {"a": "b"}}, None),
    ],
)
def test_a_function_answers_by_the_rules_of_payload_1(
    response: object, answer: HttpAnswer | None
) -> None:
    assert parse_response(json.dumps(response).encode(), "", []) == answer


@pytest.mark.parametrize(
    ("types", "accept", "body"),
    [
        (["image/png"], "image/png", b"\x00\x01\xff"),
        (["image/png"], "image/png;q=1, text/html", b"\x00\x01\xff"),
        (["image/png"], "text/html, image/png", b"AAH/"),  # the first type counts
        (["*/*"], "", b"\x00\x01\xff"),
        ([], "image/png", b"AAH/"),
    ],
)
def test_a_base64_body_is_decoded_where_accept_names_a_binary_type(
    types: list[str], accept: str, body: bytes
) -> None:
    payload = b'{"statusCode": 200, "body": "AAH/", "isBase64Encoded": true}'
    answer = parse_response(payload, accept, types)
    assert answer is not None
    assert answer.body == body


# --- policies of authorizers -------------------------------------------------------------------

ARN = "arn:aws:execute-api:us-east-1:000000000000:a1/dev/GET/orders/7"


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([policy()], True),
        ([policy(Resource=ARN)], True),
        ([policy(Resource="arn:aws:execute-api:*:*:a1/*/GET/orders/?")], True),
        ([policy(Resource=[ARN + "/x", ARN])], True),
        ([policy(Resource=ARN.replace("GET", "PUT"))], None),
        ([policy(Action="EXECUTE-API:invoke")], True),
        ([policy(Action=["s3:*", "execute-api:*"])], True),
        ([policy(Action="s3:GetObject")], None),
        ([policy(), policy("Deny", Resource=ARN)], False),
        ([policy(), policy("Deny", Resource="x")], True),
        ([], None),
    ],
)
def test_a_deny_beats_an_allow_and_nothing_is_allowed_unsaid(
    statements: list[Any], allowed: bool | None
) -> None:
    assert allows({"Version": "2012-10-17", "Statement": statements}, ARN) is allowed


@pytest.mark.parametrize(
    "document",
    [None, "x", {}, {"Statement": "x"}, {"Statement": [policy("Maybe")]},
     {"Statement": [{"Effect": "Allow"}]},
     {"Statement": [policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]}],
)  # fmt: skip
def test_what_is_no_policy_is_said_to_be_none(document: object) -> None:
    with pytest.raises(InvalidPolicy):
        allows(document, ARN)


def test_an_authorizers_context_becomes_text() -> None:
    context = {"s": "a", "n": 1, "b": True, "none": None}
    answer = {"principalId": "me", "policyDocument": {}, "context": context}
    verdict = parse_policy_answer(json.dumps(answer).encode())
    assert verdict.context == {"s": "a", "n": "1", "b": "true"}


@pytest.mark.parametrize(
    "answer",
    ["no JSON", "[]", "{}", '{"principalId": 1}', '{"principalId": "a", "context": {"a": []}}'],
)
def test_a_malformed_answer_of_an_authorizer_is_refused(answer: str) -> None:
    with pytest.raises(InvalidAnswer):
        parse_policy_answer(answer.encode())


# --- mapping templates -------------------------------------------------------------------------

BODY = '{"name": "O\'Hara", "tags": ["a", "b"], "deep": {"n": 1.5, "t": true}}'
PARAMETERS = {"path": {"id": "7"}, "querystring": {"q": "a b"}, "header": {"X-Who": "me"}}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.body", BODY),
        ("$input.json('$.deep')", '{"n":1.5,"t":true}'),
        ("$input.json('$.tags[*]')", '["a","b"]'),
        ("$input.json('$.none')", '""'),
        ("$input.path('$.name') $input.path('$.deep.t')", "O'Hara true"),
        ("$input.params('id')$input.params('q')$input.params('x-who')", "7a bme"),
        ("[$input.params('none')]", "[]"),
        ("$input.params().header.get('X-Who')", "me"),
        ("#foreach($t in $input.path('$.tags'))$t#if($foreach.hasNext), #end#end", "a, b"),
        ("#set($i = $input.path('$'))$i.tags.size() $i.deep.n", "2 1.5"),
        ("#if($input.path('$.deep.n') > 1)big#{else}small#end", "big"),
        ("$util.escapeJavaScript($input.path('$.name'))", "O\\'Hara"),
        ("$util.base64Encode('a') $util.base64Decode('YQ==')", "YQ== a"),
        ("$util.urlEncode('a b&') $util.urlDecode('a+b%26')", "a+b%26 a b&"),
        ("$util.parseJson('{\"a\": [1]}').a.get(0)", "1"),
        ("$context.identity.sourceIp $stageVariables.mode", "1.2.3.4 test"),
        ('{"statusCode": 200}', '{"statusCode": 200}'),
    ],
)
def test_a_template_is_filled_in(template: str, text: str) -> None:
    context: JsonObject = wrap({"identity": {"sourceIp": "1.2.3.4"}})
    assert render(template, Input(BODY, PARAMETERS), context, {"mode": "test"}) == text


@pytest.mark.parametrize("template", ["#if($x)", "#set($x = )", "$input.__class__.x"])
def test_a_template_that_cannot_be_filled_in_says_so(template: str) -> None:
    with pytest.raises(TemplateFailed):
        render(template, Input(BODY, PARAMETERS), JsonObject(), {})
