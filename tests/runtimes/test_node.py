"""The Node runtime: a real node process against a small Runtime API server."""

import json
import os
import queue
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
BOOTSTRAP = Path(__file__).parents[2] / "emulator" / "runtimes" / "node" / "bootstrap.mjs"
TIMEOUT_S = 20
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the runtime posted; path is `response`, `error` or `init/error`."""

    path: str
    body: Any
    headers: Mapping[str, str]


class RuntimeApiServer(socketserver.ThreadingTCPServer):
    """Hands events to one runtime, and takes its answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiConnection)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.answers: queue.Queue[Answer | None] = queue.Queue()  # None: the connection ended
        self.post_status = "202 Accepted"


class RuntimeApiConnection(socketserver.StreamRequestHandler):
    server: RuntimeApiServer

    def handle(self) -> None:  # type: ignore[explicit-override]  # Python 3.11 has no @override
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := self.rfile.readline():
            method, path, _ = request.decode().split()
            headers = self._headers()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if method == "GET":
                event = self.server.events.get()
                if event is None:
                    return
                self.wfile.write(event)
            else:
                kind = path.removeprefix("/2018-06-01/runtime/").removeprefix("invocation/id-1/")
                self.server.answers.put(Answer(path=kind, body=json.loads(body), headers=headers))
                status = self.server.post_status
                self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\n{{}}\n".encode())
        self.server.answers.put(None)

    def _headers(self) -> dict[str, str]:
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return headers


class Function:
    """A node process that runs the function in `folder`."""

    def __init__(self, folder: Path, stack: ExitStack, is_standby: bool, **variables: str) -> None:
        self.server = stack.enter_context(RuntimeApiServer())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        stack.callback(self.server.shutdown)
        stack.callback(self.server.events.put, None)
        self.environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs18.x",
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": "index.handler",
            **variables,
        }
        self.line, theirs = socket.socketpair()
        stack.enter_context(self.line)
        environment = self.environment
        if is_standby:
            environment = {"LAMBDA_EMULATOR_STANDBY_FD": str(theirs.fileno()), "LEFTOVER": "1"}
        with theirs:
            self.process = subprocess.Popen(
                [str(NODE), str(BOOTSTRAP)],
                env=environment,
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        stack.callback(self._end)

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def invoke(self, event: object = None, **headers: str) -> Answer:
        """Hand over one event; return the answer, which must come from a living process."""
        answer = self.send(event, **headers)
        assert answer is not None, self.process.communicate()
        return answer

    def send(self, event: object = None, **headers: str) -> Answer | None:
        body = json.dumps(event).encode()
        head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\n"
        head += f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 3000}\r\n"
        head += f"Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\n"
        for name, value in headers.items():
            head += f"Lambda-Runtime-{name.replace('_', '-')}: {value}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        self.server.events.put(head.encode() + body)
        return self.server.answers.get(timeout=TIMEOUT_S)

    def output(self) -> str:
        """What is in the pipe at this moment."""
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        return (self.process.stdout.read() or b"").decode()

    def exit_code(self) -> int:
        return self.process.wait(TIMEOUT_S)


Start = Callable[..., Function]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a function from source text, or from several files."""
    with ExitStack() as stack:

        def start(
            source: str | Mapping[str, str], *, is_standby: bool = False, **variables: str
        ) -> Function:
            files = {"index.js": source} if isinstance(source, str) else source
            for name, text in files.items():
                file = tmp_path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return Function(tmp_path, stack, is_standby, **variables)

        yield start


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
def test_a_handler_answers_by(start: Start, source: str) -> None:
    function = start(source)
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
    start: Start, files: Mapping[str, str], handler: str, version: int
) -> None:
    function = start(files, _HANDLER=handler, AWS_EXECUTION_ENV=nodejs(version))
    assert function.invoke().body == "ok"


def test_a_callback_result_waits_for_an_empty_event_loop(start: Start) -> None:
    function = start("""
        let log = []
        exports.handler = (event, context, callback) => {
            setTimeout(() => log.push('timer'), 30)
            callback(null, log)
        }""")
    assert function.invoke().body == ["timer"]


def test_a_sync_handler_that_forgets_its_callback_answers_null(start: Start) -> None:
    function = start("exports.handler = (event) => { setTimeout(() => {}, 5); return 'ignored' }")
    assert [function.invoke().body for _ in range(2)] == [None, None]


def test_from_nodejs24_a_plain_return_value_is_the_result(start: Start) -> None:
    function = start(
        "exports.handler = (event, context) => [event, typeof context.done]",
        AWS_EXECUTION_ENV=nodejs(24),
    )
    assert function.invoke(7).body == [7, "undefined"]


def test_the_context_says_who_calls_what(start: Start) -> None:
    function = start("""exports.handler = async (event, context) => {
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
        "invokedFunctionArn": ARN,
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


def assert_error(answer: Answer, expected: Mapping[str, Any], path: str = "error") -> None:
    """Compare an error answer; of a trace that is given as text only the first line."""
    assert answer.path == path
    assert list(answer.body) == ["errorType", "errorMessage", "trace"]
    assert answer.headers["lambda-runtime-function-error-type"] == expected["errorType"]
    for key, value in expected.items():
        got = answer.body[key]
        assert (got[0] if key == "trace" and isinstance(value, str) else got) == value


@pytest.mark.parametrize(("source", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_told_and_the_process_stays(
    start: Start, source: str, expected: Mapping[str, Any]
) -> None:
    function = start(f"exports.handler = {source}")
    for _ in range(2):
        assert_error(function.invoke(), expected)


def test_an_error_is_logged_with_its_own_properties(start: Start) -> None:
    function = start(
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
    start: Start, source: str, expected: Mapping[str, Any], code: int
) -> None:
    function = start(f"exports.handler = {source}")
    assert_error(function.invoke(), expected)
    assert function.exit_code() == code


def test_a_result_counts_though_a_rejection_of_the_same_turn_ends_the_process(
    start: Start,
) -> None:
    function = start("exports.handler = async () => { Promise.reject(new Error('x')); return 1 }")
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
def test_from_nodejs24_the_process_ends_as_node_would(start: Start, source: str, code: int) -> None:
    function = start(f"exports.handler = {source}", AWS_EXECUTION_ENV=nodejs(24))
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
    "streaming": (
        {"index.js": "exports.handler = awslambda.streamifyResponse(async () => {})"},
        "index.handler",
        "Runtime.InvalidStreamingOperation",
        "awslambda.streamifyResponse is not supported by this emulator yet",
    ),
}


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"), INIT_ERRORS.values(), ids=INIT_ERRORS.keys()
)
@pytest.mark.parametrize("version", [18, 24])
def test_a_failed_init_is_told(
    start: Start,
    files: Mapping[str, str],
    handler: str,
    error_type: str,
    message: str,
    version: int,
) -> None:
    function = start(files, _HANDLER=handler, AWS_EXECUTION_ENV=nodejs(version))
    answer = function.server.answers.get(timeout=TIMEOUT_S)
    assert answer is not None
    assert_error(answer, {"errorType": error_type}, path="init/error")
    assert answer.body["errorMessage"].startswith(message)
    assert function.exit_code() == 1
    headline = "\t-\tERROR\tInit Error \t" if version == 24 else "\tERROR\tUncaught Exception \t"
    assert headline in function.output()


@pytest.mark.parametrize("name", ["index.js", "index.mjs"])
def test_a_syntax_error_names_file_and_line(start: Start, tmp_path: Path, name: str) -> None:
    function = start({name: "\n\nconst x = a b"})
    answer = function.server.answers.get(timeout=TIMEOUT_S)
    assert answer is not None
    assert f"{tmp_path / name}:3" in answer.body["trace"][0]


def test_from_nodejs24_a_handler_with_a_callback_is_refused(start: Start) -> None:
    function = start(
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
    start: Start, version: int, variables: Mapping[str, str], warns: bool
) -> None:
    function = start(
        "exports.handler = (event, context, callback) => callback()",
        AWS_EXECUTION_ENV=nodejs(version),
        **variables,
    )
    function.invoke()
    assert ("\tundefined\tWARN\tAWS Lambda plans to remove" in function.output()) is warns


# --- output ------------------------------------------------------------------------------------


def test_console_lines_are_in_the_pipe_before_the_answer(start: Start) -> None:
    function = start("""
        console.info('in', 'init')
        exports.handler = async () => {
            console.log('a\\nb %d', 1, {k: 1})
            console.warn('w'); console.debug('d'); console.trace('t'); console.error('e')
            process.stdout.write('raw\\n')
        }""")
    function.invoke()
    lines = function.output().split("\n")
    assert [line.split("\t", 1)[-1] for line in lines] == [
        "undefined\tINFO\tin init",
        *("id-1\tINFO\ta\rb 1 { k: 1 }", "id-1\tWARN\tw", "id-1\tDEBUG\td"),
        *("id-1\tTRACE\tt", "id-1\tERROR\te", "raw", ""),
    ]


@pytest.mark.parametrize("write", ["process.stdout.write", "process.stderr.write", "console.log"])
def test_output_larger_than_the_pipe_is_whole_though_the_process_exits(
    start: Start, write: str
) -> None:
    function = start(
        f"exports.handler = () => {{ {write}('x'.repeat(2_000_000)); process.exit() }}"
    )
    function.server.events.put(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull")
    assert function.process.communicate(timeout=TIMEOUT_S)[0].count(b"x") == 2_000_000


# --- the process -------------------------------------------------------------------------------


def test_a_waiting_process_becomes_the_function(start: Start, tmp_path: Path) -> None:
    files = {
        "index.js": """
            const name = require('inside')
            exports.handler = async () => [name, process.cwd(), process.env]""",
        "layer/inside.js": "module.exports = 'from the layer'",
    }
    function = start(files, is_standby=True, NODE_PATH=str(tmp_path / "layer"), TZ=":UTC")
    message = {"env": function.environment, "cwd": str(tmp_path)}
    function.line.sendall(json.dumps(message).encode() + b"\n")
    name, cwd, environment = function.invoke().body
    assert (name, cwd, environment) == ("from the layer", str(tmp_path), function.environment)


def test_a_waiting_process_nobody_needs_ends_quietly(start: Start) -> None:
    function = start("", is_standby=True)
    function.line.close()
    assert function.exit_code() == 0
    assert function.output() == ""


def test_a_refused_answer_does_not_end_the_conversation(start: Start) -> None:
    function = start("exports.handler = async (event) => event")
    function.server.post_status = "413 Payload Too Large"
    assert [function.invoke(n).body for n in range(3)] == [0, 1, 2]


def test_five_megabytes_go_in_and_out(start: Start) -> None:
    function = start("exports.handler = async (event) => event")
    event = {"text": "ü" * 2_500_000}
    assert function.invoke(event).body == event


def test_the_process_ends_quietly_with_its_connection(start: Start) -> None:
    function = start("exports.handler = async () => 'ok'")
    assert function.invoke().body == "ok"
    function.server.events.put(None)
    assert function.exit_code() == 0
    assert function.output() == ""
