"""`awslambda.streamifyResponse`: what a Node handler writes to its stream, and how it may go wrong.

The rules are those of aws-lambda-ric; see spec/execution-environment.md section 4.
"""

import json
import shutil
import socket
from textwrap import dedent
from typing import Any

import pytest

from emulator.model import FunctionVersion, InvocationResult
from tests.end_to_end.behaviour import aws_clients
from tests.end_to_end.behaviour.aws_clients import AWS_LAMBDA_RIC
from tests.sandbox.conftest import MakeFunction, Run

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

HANDLERS = """
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');
const tick = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sent = (stream, chunk) => new Promise((resolve) => stream.write(chunk, resolve));

const handlers = {
  async write(event, stream, context) {
    stream.setContentType('text/plain');
    stream.write('text ');
    stream.write(Buffer.from('bytes '));
    stream.write({ object: context.functionName });
    stream.end(' end');
  },
  async pipeline(event, stream) {
    await pipeline(Readable.from(['a', 'b', 'c']), stream);
  },
  async pipe(event, stream) {
    Readable.from(['a', 'b', 'c']).pipe(stream);
  },
  async http(event, stream) {
    const prelude = { statusCode: 201, headers: { 'x-a': '1' }, cookies: ['a=b'] };
    stream = awslambda.HttpResponseStream.from(stream, prelude);
    stream.write('body');
    stream.end();
  },
  async drain(event, stream) {
    const chunk = Buffer.alloc(65536);
    let drained = 0;
    for (let i = 0; i < 200; i++) {
      if (stream.write(chunk)) continue;
      drained++;
      await new Promise((resolve) => stream.once('drain', resolve));
    }
    console.log('drained', drained > 0);
    stream.end();
  },
  async early() {
    throw new TypeError('at once');
  },
  async midway(event, stream) {
    stream.write('half');
    await tick(5);
    throw new TypeError('half way');
  },
  async late(event, stream) {
    stream.write('all');
    stream.end();
    throw new TypeError('too late');
  },
  async open(event, stream) {
    stream.write('half');
  },
  async destroyed(event, stream) {
    await sent(stream, 'half');
    stream.destroy(new TypeError('broken'));
    await tick(5000);
  },
  async 'destroyed at once'(event, stream) {
    stream.destroy(new TypeError('no begin'));
    throw new TypeError('no begin');
  },
  async 'content type too late'(event, stream) {
    stream.write('half');
    stream.setContentType('text/plain');
  },
  async crash(event, stream) {
    await sent(stream, 'half');
    setTimeout(() => { throw new Error('nobody catches this'); });
    await tick(5000);
  },
  async result(event, stream) {
    stream.end('all');
    return 'ignored';
  },
  'not async'(event, stream) {
    stream.write('half');
  },
};
exports.handler = awslambda.streamifyResponse((event, stream, context) =>
  handlers[event.do](event, stream, context));
"""


class Sink:
    """Takes everything."""

    def __init__(self) -> None:
        self.content_type = ""
        self._data = bytearray()
        self._wake = socket.socketpair()

    def begin(self, content_type: str) -> None:
        self.content_type = content_type

    def write(self, data: bytes) -> bool:
        self._data += data
        return True

    @property
    def data(self) -> bytes:
        return bytes(self._data)

    def fileno(self) -> int:
        return self._wake[0].fileno()

    def resume(self) -> None: ...

    def close(self) -> None:
        for side in self._wake:
            side.close()


AWS_CLIENT = "aws-lambda-ric"  # AWS's own, unmodified, in a custom runtime


@pytest.fixture(params=["nodejs22.x", "nodejs24.x", AWS_CLIENT])
def streams(request: pytest.FixtureRequest, function: MakeFunction) -> FunctionVersion:
    settings: dict[str, Any] = {"file": "index.js", "handler": "index.handler", "timeout_s": 10}
    if request.param != AWS_CLIENT:
        return function(HANDLERS, runtime=request.param, **settings)
    if AWS_LAMBDA_RIC.missing:
        pytest.skip(AWS_LAMBDA_RIC.missing)
    version = function(HANDLERS, runtime=AWS_LAMBDA_RIC.runtime, **settings)
    aws_clients.write_node(version.code.folder, HANDLERS)
    return version


def read(run: Run, version: FunctionVersion, do: str) -> tuple[Sink, InvocationResult]:
    sink = Sink()
    result = run(version, {"do": do}, sink=sink)
    sink.close()
    return sink, result


def error_of(result: InvocationResult) -> tuple[str, str]:
    assert result.function_error == "Unhandled", result.log.text
    body = json.loads(result.payload)
    return body["errorType"], body["errorMessage"]


def test_a_handler_writes_text_bytes_and_values(streams: FunctionVersion, run_to_idle: Run) -> None:
    sink, result = read(run_to_idle, streams, "write")
    assert sink.data == b'text bytes {"object":"tested"} end'
    assert sink.content_type == "text/plain"
    assert (result.function_error, result.streamed_bytes) == (None, len(sink.data))
    again = read(run_to_idle, streams, "write")[1]
    assert again.environment_id == result.environment_id
    assert again.init_ms is None


@pytest.mark.parametrize("do", ["pipeline", "pipe"])
def test_other_streams_flow_into_it(streams: FunctionVersion, run_to_idle: Run, do: str) -> None:
    sink, result = read(run_to_idle, streams, do)
    assert (sink.data, result.function_error) == (b"abc", None)
    assert sink.content_type == "application/octet-stream"


def test_an_http_response_begins_with_its_metadata(
    streams: FunctionVersion, run_to_idle: Run
) -> None:
    sink, _ = read(run_to_idle, streams, "http")
    assert sink.content_type == "application/vnd.awslambda.http-integration-response"
    metadata, body = sink.data.split(bytes(8))
    assert json.loads(metadata) == {
        "statusCode": 201,
        "headers": {"x-a": "1"},
        "cookies": ["a=b"],
    }
    assert body == b"body"


def test_write_tells_when_to_wait_for_drain(streams: FunctionVersion, run_to_idle: Run) -> None:
    sink, result = read(run_to_idle, streams, "drain")
    assert len(sink.data) == 200 * 65536
    assert "drained true" in result.log.text.decode()


@pytest.mark.parametrize(
    ("do", "written", "error"),
    [
        ("early", b"", ("TypeError", "at once")),
        ("midway", b"half", ("TypeError", "half way")),
        (
            "content type too late",
            b"half",
            ("Runtime.InvalidStreamingOperation", "Cannot set content-type, too late."),
        ),
    ],
)
def test_an_error_follows_what_was_written_and_the_process_stays(
    streams: FunctionVersion, run_to_idle: Run, do: str, written: bytes, error: tuple[str, str]
) -> None:
    sink, result = read(run_to_idle, streams, do)
    assert (sink.data, error_of(result)) == (written, error)
    assert "Invoke Error" in result.log.text.decode()
    again = read(run_to_idle, streams, "write")[1]
    assert again.environment_id == result.environment_id
    assert again.init_ms is None


@pytest.mark.parametrize(("do", "written"), [("destroyed at once", b""), ("destroyed", b"half")])
def test_a_stream_that_is_destroyed_ends_the_process(
    streams: FunctionVersion, run_to_idle: Run, do: str, written: bytes
) -> None:
    if streams.runtime == AWS_LAMBDA_RIC.runtime and written:
        pytest.skip("AWS's client posts the error too, and it may overtake the stream")
    sink, result = read(run_to_idle, streams, do)
    error_type, message = error_of(result)
    if streams.runtime == "nodejs24.x":
        assert (error_type, message.partition("error: ")[2]) == (
            "Runtime.ExitError",
            "exit status 1",
        )
    elif written:
        assert message.endswith("Runtime exited with error: exit status 128")
    else:
        assert (error_type, message) == ("Runtime.UnhandledPromiseRejection", "TypeError: no begin")
    assert sink.data == written
    again = read(run_to_idle, streams, "pipe")[1]
    assert again.function_error is None


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("open", "Response stream is not finished."),
        ("not async", "Streaming does not support non-async handlers."),
    ],
)
def test_misuse_is_told(streams: FunctionVersion, run_to_idle: Run, do: str, message: str) -> None:
    if streams.runtime == AWS_LAMBDA_RIC.runtime and do == "open":
        pytest.skip("AWS's client waits until the time is over; ours tells at once")
    sink, result = read(run_to_idle, streams, do)
    assert sink.data == b"half"
    kind = "Error" if streams.runtime == "nodejs24.x" else "string"
    assert error_of(result) == (kind, message)


def test_an_error_behind_the_end_is_logged_only(streams: FunctionVersion, run_to_idle: Run) -> None:
    sink, result = read(run_to_idle, streams, "late")
    assert (sink.data, result.function_error) == (b"all", None)
    following = read(run_to_idle, streams, "write")[1]
    assert "too late" in (result.log.text + following.log.text).decode()


def test_a_result_is_ignored_with_a_warning(streams: FunctionVersion, run_to_idle: Run) -> None:
    sink, result = read(run_to_idle, streams, "result")
    assert sink.data == b"all"
    following = read(run_to_idle, streams, "write")[1]
    log = (result.log.text + following.log.text).decode()
    assert "Streaming handlers ignore return values." in log


def test_a_crash_in_the_middle_is_an_exit(streams: FunctionVersion, run_to_idle: Run) -> None:
    sink, result = read(run_to_idle, streams, "crash")
    assert sink.data == b"half"
    assert error_of(result)[0] == "Runtime.ExitError"
    assert read(run_to_idle, streams, "pipe")[0].data == b"abc"


def test_a_buffered_caller_gets_the_whole_stream(
    streams: FunctionVersion, run_to_idle: Run
) -> None:
    assert run_to_idle(streams, {"do": "pipeline"}).payload == b"abc"
    assert error_of(run_to_idle(streams, {"do": "midway"})) == ("TypeError", "half way")


def test_the_global_can_be_switched_off(function: MakeFunction, run_to_idle: Run) -> None:
    version = function(
        dedent("exports.handler = async () => typeof awslambda"),
        file="index.js",
        handler="index.handler",
        runtime="nodejs22.x",
        environment={"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "true"},
    )
    assert run_to_idle(version).payload == b'"undefined"'


def test_a_high_water_mark_can_be_asked_for(function: MakeFunction, run_to_idle: Run) -> None:
    source = """
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('x');
          await new Promise((resolve) => setTimeout(resolve, 20));
          stream.end(String(stream.writableHighWaterMark));
        }, { highWaterMark: 1234567 });
    """
    version = function(source, file="index.js", handler="index.handler", runtime="nodejs22.x")
    assert read(run_to_idle, version, "")[0].data == b"x1234567"


@pytest.mark.parametrize("waits", [True, False])
def test_the_invocation_ends_when_the_event_loop_is_empty_unless_told_otherwise(
    function: MakeFunction, run_to_idle: Run, waits: bool
) -> None:
    source = """
        let n = 0;
        exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
          context.callbackWaitsForEmptyEventLoop = event.waits;
          stream.end(String(n));
          setTimeout(() => { n += 1; }, event.waits ? 50 : 60000);
        });
    """
    settings: dict[str, Any] = {"file": "index.js", "handler": "index.handler", "timeout_s": 30}
    version = function(source, runtime="nodejs22.x", **settings)
    assert run_to_idle(version, {"waits": waits}).payload == b"0"
    assert run_to_idle(version, {"waits": waits}).payload == (b"1" if waits else b"0")
