"""The Node runtime: how handlers are found, run and answered for."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
TIMEOUT_S = 20


def nodejs(version: int) -> str:
    return f"AWS_Lambda_nodejs{version}.x"


# --- results -----------------------------------------------------------------------------------

SUCCESSES = {
    "async": "exports.handler = async (event) => ({got: event})",
    "a thenable": "exports.handler = (event) => ({then: (resolve) => resolve({got: event})})",
    "callback": "exports.handler = (event, context, callback) => callback(null, {got: event})",
    "callback later": """exports.handler = (event, context, callback) => {
        setTimeout(() => callback(undefined, {got: event}), 5) }""",
    "context.succeed": "exports.handler = (event, context) => context.succeed({got: event})",
    "context.done": "exports.handler = (event, context) => context.done(null, {got: event})",
    "context.done later": """exports.handler = (event, context) => {
        setTimeout(() => context.done(null, {got: event}), 5) }""",
    "the first wins": """exports.handler = async (event, context, callback) => {
        context.succeed({got: event}); callback('late'); context.fail('later'); return 'last' }""",
    "done ignores the event loop": """exports.handler = (event, context) => {
        setInterval(() => {}, 1000); context.done(null, {got: event}) }""",
    "async ignores the event loop": """exports.handler = async (event) => {
        setInterval(() => {}, 1000); return {got: event} }""",
    "callback told not to wait": """exports.handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = false
        setInterval(() => {}, 1000); callback(null, {got: event}) }""",
}


@pytest.mark.parametrize("source", SUCCESSES.values(), ids=SUCCESSES.keys())
def test_a_handler_answers_by(start_node: Start, source: str) -> None:
    function = start_node(source)
    for event in ({"n": 1}, "two"):
        answer = function.invoke(event)
        assert (answer.path, answer.body) == ("response", {"got": event})


MODULES = {
    "mjs": ({"index.mjs": "export const handler = async () => 'ok'"}, "index.handler"),
    "cjs": ({"index.cjs": "exports.handler = async () => 'ok'"}, "index.handler"),
    "type module": (
        {
            "package.json": '{"type": "module"}',
            "lib/index.js": "export const handler = async () => await Promise.resolve('ok')",
        },
        "lib/index.handler",
    ),
    "nested export": ({"index.js": "exports.a = {b: {c: async () => 'ok'}}"}, "index.a.b.c"),
    "folder": ({"app/index.js": "exports.run = async () => 'ok'"}, "app.run"),
    "package": (
        {"node_modules/app/index.js": "exports.run = async () => 'ok'"},
        "app.run",
    ),
    "top-level await": (
        {"index.mjs": "const text = await 'ok'; export const handler = async () => text"},
        "index.handler",
    ),
}


@pytest.mark.parametrize(("files", "handler"), MODULES.values(), ids=MODULES.keys())
@pytest.mark.parametrize("version", [18, 24])
def test_a_handler_is_found_in(
    start_node: Start, files: Mapping[str, str], handler: str, version: int
) -> None:
    function = start_node(files, _HANDLER=handler, AWS_EXECUTION_ENV=nodejs(version))
    assert function.invoke().body == "ok"


def test_a_callback_result_waits_for_an_empty_event_loop(start_node: Start) -> None:
    function = start_node("""
        let log = []
        exports.handler = (event, context, callback) => {
            setTimeout(() => log.push('timer'), 30)
            callback(null, log)
        }""")
    assert function.invoke().body == ["timer"]


def test_a_sync_handler_that_forgets_its_callback_answers_null(start_node: Start) -> None:
    function = start_node(
        "exports.handler = (event) => { setTimeout(() => {}, 5); return 'ignored' }"
    )
    assert [function.invoke().body for _ in range(2)] == [None, None]


def test_from_nodejs24_a_plain_return_value_is_the_result(start_node: Start) -> None:
    function = start_node(
        "exports.handler = (event, context) => [event, typeof context.done]",
        AWS_EXECUTION_ENV=nodejs(24),
    )
    assert function.invoke(7).body == [7, "undefined"]


def test_the_context_says_who_calls_what(start_node: Start) -> None:
    function = start_node("""exports.handler = async (event, context) => {
        const left = context.getRemainingTimeInMillis()
        return {...context, left, trace: process.env._X_AMZN_TRACE_ID}
    }""")
    body = function.invoke(
        Client_Context='{"custom":{"k":"ü"}}',
        Cognito_Identity='{"cognitoIdentityId":"me","cognitoIdentityPoolId":"pool"}',
        Trace_Id="Root=1-2-3",
    ).body
    assert 1000 < body.pop("left") <= 3000
    assert body == {
        "awsRequestId": "id-1",
        "callbackWaitsForEmptyEventLoop": True,
        "clientContext": {"custom": {"k": "ü"}},
        "functionName": "f",
        "functionVersion": "$LATEST",
        "identity": {"cognitoIdentityId": "me", "cognitoIdentityPoolId": "pool"},
        "invokedFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "memoryLimitInMB": "128",
        "trace": "Root=1-2-3",
    }
    assert "trace" not in function.invoke().body


# --- errors ------------------------------------------------------------------------------------

STRING = {"errorType": "string", "errorMessage": "boom", "trace": []}
HANDLED = {"errorType": "string", "errorMessage": "handled", "trace": []}
ERROR = {"errorType": "TypeError", "errorMessage": "boom", "trace": "TypeError: boom"}
ERRORS = {
    "async throw": ("async () => { throw new TypeError('boom') }", ERROR),
    "sync throw": ("() => { throw new TypeError('boom') }", ERROR),
    "callback": ("(event, context, callback) => callback(new TypeError('boom'))", ERROR),
    "callback does not wait": (
        "(e, c, callback) => { setInterval(() => {}, 1000); callback(new TypeError('boom')) }",
        ERROR,
    ),
    "context.fail": ("(event, context) => context.fail(new TypeError('boom'))", ERROR),
    "context.done": ("(event, context) => context.done(new TypeError('boom'))", ERROR),
    "own properties stay out": (
        "async () => { throw Object.assign(new TypeError('boom'), {code: 7}) }",
        ERROR,
    ),
    "string thrown": ("async () => { throw 'boom' }", STRING),
    "string by callback": ("(event, context, callback) => callback('boom')", STRING),
    "fail without a reason": ("(event, context) => context.fail()", HANDLED),
    "reject without a reason": ("() => Promise.reject()", HANDLED),
    "no JSON": (
        "async () => { const a = {}; a.a = a; return a }",
        {"errorType": "Error", "errorMessage": "Unable to stringify response body"},
    ),
    "never settled": (
        "async () => new Promise(() => {})",
        {"errorType": "Runtime.NodeJsExit"},
    ),
}


def assert_error(answer: Any, expected: Mapping[str, Any], path: str = "error") -> None:
    """Compare an error answer; of a trace that is given as text only the first line."""
    assert answer.path == path
    assert list(answer.body) == ["errorType", "errorMessage", "trace"]
    assert answer.headers["lambda-runtime-function-error-type"] == expected["errorType"]
    for key, value in expected.items():
        got = answer.body[key]
        assert (got[0] if key == "trace" and isinstance(value, str) else got) == value


@pytest.mark.parametrize(("source", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_told_and_the_process_stays(
    start_node: Start, source: str, expected: Mapping[str, Any]
) -> None:
    function = start_node(f"exports.handler = {source}")
    for _ in range(2):
        assert_error(function.invoke(), expected)


def test_an_error_is_logged_with_its_own_properties(start_node: Start) -> None:
    function = start_node(
        "exports.handler = async () => { throw Object.assign(new Error('boom'), {code: 'E7'}) }"
    )
    function.invoke()
    time_, request_id, level, headline, error = function.output().rstrip("\n").split("\t")
    assert time_.endswith("Z")
    assert (request_id, level, headline) == ("id-1", "ERROR", "Invoke Error ")
    logged = json.loads(error)
    assert (logged["errorMessage"], logged["code"], logged["stack"][0]) == (
        "boom",
        "E7",
        "Error: boom",
    )


FATAL = {
    "unhandled rejection": (
        "async () => { Promise.reject(new Error('boom')); await new Promise(() => {}) }",
        {"errorType": "Runtime.UnhandledPromiseRejection", "errorMessage": "Error: boom"},
        128,
    ),
    "uncaught exception": (
        "() => { setTimeout(() => { throw new TypeError('boom') }) }",
        ERROR,
        129,
    ),
}


@pytest.mark.parametrize(("source", "expected", "code"), FATAL.values(), ids=FATAL.keys())
def test_what_nobody_catches_is_told_and_ends_the_process(
    start_node: Start, source: str, expected: Mapping[str, Any], code: int
) -> None:
    function = start_node(f"exports.handler = {source}")
    assert_error(function.invoke(), expected)
    assert function.exit_code() == code


def test_a_result_counts_though_a_rejection_of_the_same_turn_ends_the_process(
    start_node: Start,
) -> None:
    function = start_node(
        "exports.handler = async () => { Promise.reject(new Error('x')); return 1 }"
    )
    assert function.invoke().body == 1
    assert function.exit_code() == 128


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("async () => { Promise.reject(new Error('boom')); await new Promise(() => {}) }", 1),
        ("async () => new Promise(() => {})", 0),
        ("async () => process.exit(3)", 3),
    ],
    ids=["unhandled rejection", "never settled", "exit"],
)
def test_from_nodejs24_the_process_ends_as_node_would(
    start_node: Start, source: str, code: int
) -> None:
    function = start_node(f"exports.handler = {source}", AWS_EXECUTION_ENV=nodejs(24))
    assert function.send() is None
    assert function.exit_code() == code


# --- the init phase ----------------------------------------------------------------------------

INIT_ERRORS = {
    "no module": (
        {},
        "index.handler",
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'index'\nRequire stack:\n- /var/runtime/index.mjs",
    ),
    "no package": (
        {"index.js": "require('nowhere')"},
        "index.handler",
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nowhere'\n",
    ),
    "syntax error": (
        {"index.js": "exports.handler = a b"},
        "index.handler",
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: Unexpected identifier",
    ),
    "no export": (
        {"index.js": "exports.other = 1"},
        "index.handler",
        "Runtime.HandlerNotFound",
        "index.handler is undefined or not exported",
    ),
    "no function": (
        {"index.js": "exports.handler = 1"},
        "index.handler",
        "Runtime.HandlerNotFound",
        "index.handler is not a function",
    ),
    "no dot": ({}, "handler", "Runtime.MalformedHandlerName", "Bad handler"),
    "two dots": (
        {},
        "../index.handler",
        "Runtime.MalformedHandlerName",
        "'../index.handler' is not a valid handler name. Use absolute paths",
    ),
    "throws": ({"index.js": "throw new RangeError('boom')"}, "index.handler", "RangeError", "boom"),
    "streams in": (
        {
            "index.js": "exports.handler = () => {};"
            "exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request'"
        },
        "index.handler",
        "Runtime.MalformedStreamingHandler",
        "Only response streaming is supported.",
    ),
}


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"), INIT_ERRORS.values(), ids=INIT_ERRORS.keys()
)
@pytest.mark.parametrize("version", [18, 24])
def test_a_failed_init_is_told(
    start_node: Start,
    files: Mapping[str, str],
    handler: str,
    error_type: str,
    message: str,
    version: int,
) -> None:
    function = start_node(files, _HANDLER=handler, AWS_EXECUTION_ENV=nodejs(version))
    answer = function.server.answers.get(timeout=TIMEOUT_S)
    assert answer is not None
    assert_error(answer, {"errorType": error_type}, path="init/error")
    assert answer.body["errorMessage"].startswith(message)
    assert function.exit_code() == 1
    headline = "\t-\tERROR\tInit Error \t" if version == 24 else "\tERROR\tUncaught Exception \t"
    assert headline in function.output()


@pytest.mark.parametrize("name", ["index.js", "index.mjs"])
def test_a_syntax_error_names_file_and_line(start_node: Start, tmp_path: Path, name: str) -> None:
    function = start_node({name: "\n\nconst x = a b"})
    answer = function.server.answers.get(timeout=TIMEOUT_S)
    assert answer is not None
    assert f"{tmp_path / name}:3" in answer.body["trace"][0]


def test_from_nodejs24_a_handler_with_a_callback_is_refused(start_node: Start) -> None:
    function = start_node(
        "exports.handler = async (event, context, callback) => 1", AWS_EXECUTION_ENV=nodejs(24)
    )
    answer = function.server.answers.get(timeout=TIMEOUT_S)
    assert answer is not None
    assert_error(answer, {"errorType": "Runtime.CallbackHandlerDeprecated"}, path="init/error")
    assert answer.body["errorMessage"].startswith(
        "ERROR: AWS Lambda has removed support for callback-based function handlers"
    )


@pytest.mark.parametrize(
    ("version", "variables", "warns"),
    [
        (18, {}, False),
        (22, {}, True),
        (22, {"AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING": "1"}, False),
    ],
)
def test_nodejs20_and_22_warn_of_callbacks(
    start_node: Start, version: int, variables: Mapping[str, str], warns: bool
) -> None:
    function = start_node(
        "exports.handler = (event, context, callback) => callback()",
        AWS_EXECUTION_ENV=nodejs(version),
        **variables,
    )
    function.invoke()
    assert ("\tundefined\tWARN\tAWS Lambda plans to remove" in function.output()) is warns
