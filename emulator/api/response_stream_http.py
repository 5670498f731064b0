"""InvokeWithResponseStream over HTTP: a function's answer as frames, while it is being written.

Source: spec/invoke.md section 1.5.
"""

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.api import event_stream
from emulator.api.answer import Answer, Headers, error_answer
from emulator.api.invoke_http import (
    common_headers,
    is_plain,
    log_tail,
    read_body,
    read_call,
    refuse,
)
from emulator.invoke import StreamedInvocation
from emulator.invoke.identity import new_request_id
from emulator.model import Call, Clock, InvocationResult, LambdaError
from emulator.model.invocation import UNNAMED_FAILURE

OPERATION: Final = "InvokeWithResponseStream"
FUNCTIONS: Final = "/2021-11-15/functions/"
INVOCATIONS: Final = "/response-streaming-invocations"
TYPES: Final = frozenset({"RequestResponse", "DryRun"})


class StreamingInvoker(Protocol):
    """The door to every function, for callers who read along."""

    def stream(self, call: Call) -> StreamedInvocation:
        """Run the function; returns when its response has begun."""
        ...

    def check(self, call: Call) -> None:
        """Raise what `stream` would raise before it runs anything."""
        ...


def streamed_function_in(path: str) -> str | None:
    """The function's name in the path of an InvokeWithResponseStream; None: it is another path."""
    if not path.startswith(FUNCTIONS) or not path.endswith(INVOCATIONS):
        return None
    name = path[len(FUNCTIONS) : -len(INVOCATIONS)]
    return None if not name or "/" in name else name


def invoke_streaming(
    invoker: StreamingInvoker,
    clock: Clock,
    environ: WSGIEnvironment,
    function: str,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Answer one InvokeWithResponseStream as PEP 3333 has it."""
    request_id = new_request_id()
    try:
        answer = _answer(invoker, clock, environ, function, request_id)
    except LambdaError as error:
        answer = error_answer(error, request_id)
    if isinstance(answer, Answer):
        start_response(_status_line(answer.status), answer.headers)
        return [answer.body]
    start_response(_status_line(200), answer.headers)
    return answer


class Frames:
    """The body of an answer; closed by who sends it, whether its client read it all or went."""

    def __init__(self, headers: Headers, streamed: StreamedInvocation, log_type: str) -> None:
        self.headers = headers
        self._response = streamed.response
        self._log_type = log_type

    def __iter__(self) -> Iterator[bytes]:
        for data in self._response:
            yield event_stream.event("PayloadChunk", "application/octet-stream", data)
        end = _completion(self._response.result, self._log_type)
        yield event_stream.event("InvokeComplete", "application/json", json.dumps(end).encode())

    def close(self) -> None:
        """Let the function run on without a reader."""
        self._response.abandon()


def _answer(
    invoker: StreamingInvoker,
    clock: Clock,
    environ: WSGIEnvironment,
    function: str,
    request_id: str,
) -> Answer | Frames:
    invocation_type = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
    log_type = environ.get("HTTP_X_AMZ_LOG_TYPE", "None")
    body = read_body(environ)
    call = read_call(environ, clock, function, body, request_id, invocation_type)
    if not is_plain(environ, call, invocation_type, log_type, TYPES):
        refuse(environ, call, invocation_type, log_type, OPERATION)
    if invocation_type == "DryRun":
        invoker.check(call)
        return Answer(204, common_headers(call, request_id), b"")
    streamed = invoker.stream(call)
    headers = [
        ("Content-Type", event_stream.CONTENT_TYPE),
        ("X-Amz-Executed-Version", streamed.executed_version),
        *common_headers(call, streamed.request_id),
    ]
    return Frames(headers, streamed, log_type)


def _completion(result: InvocationResult, log_type: str) -> dict[str, str]:
    """What the last event says; nothing after a success."""
    end = {}
    if result.function_error is not None:
        named = result.error_type not in (None, UNNAMED_FAILURE)
        end["ErrorCode"] = str(result.error_type) if named else result.function_error
        end["ErrorDetails"] = result.payload.decode(errors="replace")
    if log_type == "Tail":
        end["LogResult"] = log_tail(result)
    return end


def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
