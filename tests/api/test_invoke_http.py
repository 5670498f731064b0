"""Invoke over HTTP, by Flask and by the short cut."""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from emulator.api.answer import Answer
from emulator.model import Call, Clock, LambdaError, Status
from emulator.model.invocation import InvocationLog
from emulator.model.steps import finish
from tests.api.lab import ACCOUNT, Lab, result_of

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
PATH = "/2015-03-31/functions/hello/invocations"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


def environ_of(
    path: str = "hello", query: str = "", body: bytes = b"", **headers: str
) -> dict[str, Any]:
    named = {f"HTTP_X_AMZ_{name.upper()}": value for name, value in headers.items()}
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/2015-03-31/functions/{path}/invocations",
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "4566",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "emulator.account": ACCOUNT,
        "emulator.region": "us-east-1",
        "HTTP_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
        **named,
    }


def by_flask(lab: Lab, environ: dict[str, Any]) -> Answer:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        started.append((int(status[:3]), headers))

    body = b"".join(lab.api.wsgi(environ, start_response))
    [(status, headers)] = started
    return Answer(status, headers, body)


CASES: list[dict[str, Any]] = [
    {"body": b'{"key": "value"}'},
    {"body": b""},
    {"body": b"not json"},
    {"path": "missing"},
    {"path": ARN},
    {"path": "hello:1"},
    {"path": "hello:1", "query": "Qualifier=2"},
    {"path": "not a name"},
    {"path": "n" * 65},
    {"query": "Qualifier=1"},
    {"query": "Qualifier=%24LATEST"},
    {"query": "Qualifier=a%20b"},
    {"invocation_type": "Sometimes", "log_type": "Head"},
    {"invocation_type": "Event", "body": b"{}"},
    {"invocation_type": "DryRun"},
    {"log_type": "Tail"},
    {"client_context": base64.b64encode(b'{"custom": {}}').decode()},
    {"client_context": "?"},
    {"tenant_id": "tenant"},
    {"durable_execution_name": "name"},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_short_cut_and_flask_answer_byte_for_byte_the_same(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]
) -> None:
    monkeypatch.setattr("emulator.api.invoke_http.new_request_id", lambda: "id")
    monkeypatch.setattr("tests.api.lab.new_request_id", lambda: "id")
    monkeypatch.setattr(
        "emulator.api.invoke_http.trace_header", lambda *_: "Root=1;Parent=2;Sampled=0"
    )
    steps = lab.api.fast_invoke(environ_of(**case))
    assert steps is not None
    assert finish(steps) == by_flask(lab, environ_of(**case))


def test_the_short_cut_leaves_other_requests_alone(lab: Lab) -> None:
    for path in (
        "/2015-03-31/functions/hello",
        "/2015-03-31/functions/a/b/invocations",
        "/2015-03-31/functions//invocations",
        "/2021-11-15/functions/hello/response-streaming-invocations",
        "/bucket/2015-03-31/functions/hello/invocations",
    ):
        body = io.BytesIO(b"unread")
        assert lab.api.fast_invoke({"PATH_INFO": path, "wsgi.input": body}) is None
        assert body.read() == b"unread"


def test_a_body_without_a_length_is_read_to_its_end(lab: Lab) -> None:
    environ = environ_of(body=b'"chunked"')
    del environ["CONTENT_LENGTH"]
    environ["wsgi.input_terminated"] = True
    steps = lab.api.fast_invoke(environ)
    assert steps is not None
    assert finish(steps).body == b'"chunked"'


def test_the_short_cut_imports_neither_flask_nor_botocore() -> None:
    script = """
import io, sys
from emulator.api import LambdaApi
from emulator.model.steps import finish
heavy = {"flask", "botocore", "boto3", "moto", "werkzeug"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_result_comes_with_its_headers(lab: Lab, client: Any) -> None:
    answer = client.invoke(FunctionName="hello", Payload=b'{"key": "value"}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert answer["Payload"].read() == b'{"key": "value"}'
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "application/json"
    assert headers["x-amzn-remapped-content-length"] == "0"
    assert headers["x-amzn-requestid"] == "6c1b0000-0000-4000-8000-000000000000"
    assert re.fullmatch(
        r"root=1-[0-9a-f]{8}-[0-9a-f]{24};parent=[0-9a-f]{16};sampled=0",
        headers["x-amzn-trace-id"],
    )


@pytest.mark.parametrize(
    "payload", [b'{"a": 1}', b"[1,  2]", b'"text"', b"1.50", b"true", b"null", '"ü"'.encode()]
)
def test_any_json_value_reaches_the_function_byte_for_byte(
    lab: Lab, client: Any, payload: bytes
) -> None:
    client.invoke(FunctionName="hello", Payload=payload)
    assert lab.invoker.ran[-1].payload == payload


def test_no_body_means_an_empty_object(lab: Lab, client: Any) -> None:
    client.invoke(FunctionName="hello")
    assert lab.invoker.ran[-1].payload == b"{}"


def test_a_failed_function_is_still_a_success(lab: Lab, client: Any) -> None:
    lab.invoker.answer = lambda _: result_of(
        b'{"errorMessage":"no"}',
        status=Status.ERROR,
        function_error="Unhandled",
        executed_version="7",
    )
    answer = client.invoke(FunctionName="hello")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["ExecutedVersion"] == "7"
    assert json.load(answer["Payload"]) == {"errorMessage": "no"}


def test_the_log_tail_has_the_last_4_kb(lab: Lab, client: Any) -> None:
    log = InvocationLog(*(b"line %05d" % number for number in range(1000)))
    lab.invoker.answer = lambda _: result_of(b"null", log=log)
    tail = base64.b64decode(client.invoke(FunctionName="hello", LogType="Tail")["LogResult"])
    assert tail == log.text[-4096:]


def test_an_event_is_accepted_without_an_answer(lab: Lab, client: Any) -> None:
    answer = client.invoke(
        FunctionName="hello", InvocationType="Event", Payload=b"{}", LogType="Tail"
    )
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-length"] == "0"
    assert UUID.fullmatch(headers["x-amzn-requestid"])
    for name in ("x-amz-executed-version", "x-amz-log-result", "content-type"):
        assert name not in headers
    assert [call.payload for call in lab.invoker.accepted] == [b"{}"]


def test_a_dry_run_runs_nothing(lab: Lab, client: Any) -> None:
    answer = client.invoke(FunctionName="hello", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert answer["Payload"].read() == b""
    assert "x-amz-executed-version" not in answer["ResponseMetadata"]["HTTPHeaders"]
    assert (lab.invoker.ran, lab.invoker.accepted) == ([], [])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="missing", InvocationType="DryRun")


@pytest.mark.parametrize(
    ("name", "qualifier"),
    [("hello", "1"), ("hello:1", None), (f"{ARN}:1", None), (f"{ARN}:1", "1")],
)
def test_a_call_keeps_the_name_and_the_qualifier_of_the_caller(
    lab: Lab, client: Any, name: str, qualifier: str | None
) -> None:
    client.invoke(FunctionName=name, **({"Qualifier": qualifier} if qualifier else {}))
    call = lab.invoker.ran[-1]
    assert (call.function, call.qualifier) == (name, qualifier)
    assert (call.account, call.region, call.source) == (ACCOUNT, "us-east-1", "api")


def test_the_client_context_reaches_synchronous_calls_only(lab: Lab, client: Any) -> None:
    context = {"custom": {"key": "ü"}, "client": {"app_title": "x"}}
    encoded = base64.b64encode(json.dumps(context).encode()).decode()
    client.invoke(FunctionName="hello", ClientContext=encoded)
    client.invoke(FunctionName="hello", ClientContext=encoded, InvocationType="Event")
    assert json.loads(lab.invoker.ran[-1].client_context or "") == context
    assert lab.invoker.accepted[-1].client_context is None


@pytest.mark.parametrize(
    "encoded", ["?", base64.b64encode(b"no json").decode(), base64.b64encode(b"[]").decode()]
)
def test_a_bad_client_context_is_refused(client: Any, encoded: str) -> None:
    with pytest.raises(client.exceptions.InvalidRequestContentException) as caught:
        client.invoke(FunctionName="hello", ClientContext=encoded)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_client_context_has_a_limit(client: Any) -> None:
    encoded = base64.b64encode(json.dumps({"k": "v" * 2700}).encode()).decode()
    with pytest.raises(client.exceptions.InvalidRequestContentException, match="3583"):
        client.invoke(FunctionName="hello", ClientContext=encoded)


def test_the_callers_trace_is_taken_over(lab: Lab) -> None:
    sent = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    _, headers, _ = lab.http("POST", PATH, b"{}", {"X-Amzn-Trace-Id": sent})
    assert lab.invoker.ran[-1].trace_header == sent
    assert headers["X-Amzn-Trace-Id"] == (
        "root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1"
    )


def test_the_function_and_the_caller_see_the_same_trace(lab: Lab) -> None:
    _, headers, _ = lab.http("POST", PATH, b"{}")
    assert (lab.invoker.ran[-1].trace_header or "").lower() == headers["X-Amzn-Trace-Id"]


def test_an_unknown_function_is_named_with_its_qualifier(client: Any) -> None:
    missing = ARN.replace("hello", "missing")
    for request, arn in (
        ({"FunctionName": "missing"}, f"{missing}:$LATEST"),
        ({"FunctionName": "missing", "Qualifier": "live"}, f"{missing}:live"),
        ({"FunctionName": "hello", "Qualifier": "42"}, f"{ARN}:42"),
    ):
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            client.invoke(**request)
        error: Any = caught.value.response
        assert error["Error"]["Message"] == f"Function not found: {arn}"
        assert error["Type"] == "User"


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            {"InvocationType": "Sometimes"},
            "1 validation error detected: Value 'Sometimes' at 'invocationType' failed to satisfy"
            " constraint: Member must satisfy enum value set: [",
        ),
        (
            {"LogType": "Head", "Qualifier": "a b"},
            "2 validation errors detected: ",
        ),
        (
            {"FunctionName": "a b"},
            "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern: (arn:",
        ),
        (
            {"TenantId": "t" * 257},
            f"1 validation error detected: Value '{'t' * 257}' at 'tenantId' failed to satisfy"
            " constraint: Member must have length less than or equal to 256",
        ),
        (
            {"FunctionName": "n" * 257},
            f"1 validation error detected: Value '{'n' * 257}' at 'functionName' failed to satisfy"
            " constraint: Member must have length less than or equal to 256",
        ),
    ],
)
def test_parameters_are_checked_against_the_service_model(
    client: Any, request_: Mapping[str, Any], text: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client.invoke(**{"FunctionName": "hello", **request_})
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["Error"]["Message"].startswith(text)


@pytest.mark.parametrize("tenant_id", ["blue", "a/b:c=1+2-3@d._ e", "t" * 256])
def test_a_tenant_s_id_goes_with_the_call(lab: Lab, client: Any, tenant_id: str) -> None:
    client.invoke(FunctionName="hello", TenantId=tenant_id)
    assert lab.invoker.ran[-1].tenant_id == tenant_id


def test_the_name_of_a_durable_execution_goes_with_the_call(lab: Lab, client: Any) -> None:
    client.invoke(FunctionName="hello", DurableExecutionName="name")
    assert lab.invoker.ran[-1].durable_name == "name"


def test_a_throttled_call_tells_the_reason(lab: Lab, client: Any) -> None:
    def throttle(_: Call) -> Any:
        raise LambdaError(
            "TooManyRequestsException",
            "Rate Exceeded.",
            members={"Reason": "ConcurrentInvocationLimitExceeded"},
            headers={"Retry-After": "1"},
        )

    lab.invoker.answer = throttle
    status, headers, body = lab.http("POST", PATH, b"{}")
    assert (status, headers["Retry-After"]) == (429, "1")
    assert headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert json.loads(body) == {
        "Reason": "ConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }


def test_an_encoded_arn_in_the_path_is_read(lab: Lab) -> None:
    path = f"/2015-03-31/functions/{quote(ARN, safe='')}/invocations/"
    assert lab.http("POST", path, b"{}")[0] == 200


def test_the_clock_dates_the_trace(lab: Lab) -> None:
    lab.clock.freeze(True)
    lab.clock.advance(1_000_000_000)
    _, headers, _ = lab.http("POST", PATH, b"{}")
    root = headers["X-Amzn-Trace-Id"].split(";")[0]
    assert abs(int(root.split("-")[1], 16) - (Clock().now() + 1_000_000_000)) < 60
