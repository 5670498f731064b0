"""Every operation, with requests that no client sends: each is refused as Lambda refuses."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer
from werkzeug.test import Client, TestResponse

from emulator.api.coverage import built_operations
from emulator.api.service_model import service_model
from emulator.model import FAULTS
from tests.api.in_process import InProcess
from tests.api.lab import ACCOUNT, Lab
from tests.api.minimal_requests import MINIMAL, Made
from tests.api.model_requests import minimal

BODIES = (
    *(b"{", b"[]", b'"x"', b"null", b"1", b"\xff\xfe", b"\x00", b"{} {}", b"NaN", b"[" * 100_000),
    *(b'{"a":' * 100_000, b'{"x": 1e999}', b'{"Timeout": ' + b"9" * 5_000 + b"}"),
)
JSON: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 1e300, -1e300, "", "x", " ", "\x00", "\ud800", "x" * 2_000),
    *([], [None], [[]], ["x"], [1], {}, {"x": None}, {"x": {}}, {"": ""}, {"\udfff": "x"}),
)
TEXTS = (
    *("", "x", "-1", "9" * 400, "%", "%ff", "\x00", "é", "1.5", "true", "[]", "NaN", "0", "1e5"),
    *("2026-13-01", "9999999999999999", "../..", "x" * 3_000, "\u06f1", "1_000", "inf"),
)
DEEPEST = 4  # structures in structures

BUILT = sorted(built_operations())


@pytest.fixture(scope="module")
def api(shared_lab: Lab) -> InProcess:
    return InProcess(shared_lab.wsgi, ACCOUNT)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request as it leaves a client."""

    method: str
    path: str  # with its escapes
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes = b""


def serialized(operation: OperationModel, members: Mapping[str, Any]) -> Sent:
    serializer = create_serializer("rest-json", include_validation=False)
    made = serializer.serialize_to_request(dict(members), operation)
    path, _, fixed = made["url_path"].partition("?")
    return Sent(
        method=made["method"],
        path=path,
        query={**dict(parse_qsl(fixed)), **made["query_string"]},
        headers=dict(made["headers"]),
        body=made["body"],
    )


def malformed(operation: OperationModel, members: Mapping[str, Any]) -> Iterator[Sent]:
    """Requests of an operation that are wrong in one place each."""
    right = serialized(operation, members)
    yield from (replace(right, body=body) for body in BODIES)
    shape = operation.input_shape
    if shape is None:
        return
    if "payload" not in shape.serialization:
        document = json.loads(right.body or b"{}")
        yield from (
            replace(right, body=json.dumps(wrong).encode()) for wrong in documents(shape, document)
        )
    for name, member in shape.members.items():
        for text in TEXTS:
            yield from located(operation, members, right, name, member, text)


def documents(shape: StructureShape, right: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """JSON bodies with one member of the wrong type, however deep."""
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue
        for value in JSON:
            yield {**right, name: value}
            if isinstance(member, MapShape):
                yield {**right, name: {"xx": value}}
            elif isinstance(member, ListShape):
                yield {**right, name: [value]}
        item = getattr(member, "member", member)
        if isinstance(item, StructureShape) and depth < DEEPEST:
            held = right.get(name)
            for wrong in documents(item, held if isinstance(held, dict) else {}, depth + 1):
                yield {**right, name: wrong if item is member else [wrong]}


def located(
    operation: OperationModel,
    members: Mapping[str, Any],
    right: Sent,
    name: str,
    member: Shape,
    text: str,
) -> Iterator[Sent]:
    """The request with another text for a member that does not stand in the body."""
    wire_name = member.serialization.get("name", name)
    match member.serialization.get("location"):
        case "querystring":
            yield replace(right, query={**right.query, wire_name: text})
        case "header" if text.isascii() and text.isprintable():
            yield replace(right, headers={**right.headers, wire_name: text})
        case "uri":
            texts = {key: str(value) for key, value in members.items()} | {name: text}
            path = operation.http["requestUri"].partition("?")[0]
            for key, value in texts.items():
                path = path.replace(f"{{{key}}}", quote(value, safe=""))
            yield replace(right, path=path)


def complaint(sent: Sent, answer: TestResponse) -> str | None:
    """What is wrong with an answer; None: Lambda might give it."""
    code = answer.headers.get("x-amzn-ErrorType")
    if answer.status_code < 400 or code == "UnknownOperationException":
        return None
    if code is not None and code != "ServiceException":
        text = json.loads(answer.data).get(FAULTS[code].message_key, "")
        if FAULTS[code].status == answer.status_code and "Traceback" not in text:
            return None
    return f"{sent.method} {sent.path[:80]} {sent.query} {sent.body[-80:]!r}: {answer.data[:80]!r}"


@pytest.mark.parametrize("operation", BUILT)
def test_whatever_is_sent_gets_an_answer_of_lambda(
    shared_lab: Lab, api: InProcess, operation: str
) -> None:
    api.account = f"{BUILT.index(operation) + 1:012}"
    model = service_model().operation_model(operation)
    made = Made(shared_lab, api)
    members = MINIMAL[operation](made) if operation in MINIMAL else minimal(model)
    client = Client(shared_lab.wsgi)
    complaints = []
    for sent in malformed(model, members):
        answer = client.open(
            sent.path,
            method=sent.method,
            query_string=dict(sent.query),
            headers={**sent.headers, **api.identity},
            data=sent.body,
        )
        complaints.append(complaint(sent, answer))
    assert list(filter(None, complaints)) == []
