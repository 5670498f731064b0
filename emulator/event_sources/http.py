"""HTTP requests as events: `/fn/NAME[/path]` invokes NAME as its function URL would.

Source: spec/events.md section 7.3.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Final, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.event_sources.http_messages import (
    HttpAnswer,
    compact,
    json_answer,
    read_request,
    send,
    utf8,
)
from emulator.event_sources.http_streams import begin_answer
from emulator.event_sources.payload_v2 import Front, build_event, parse_response
from emulator.invoke import StreamedInvocation
from emulator.invoke.identity import decides_sampling, trace_header
from emulator.model import (
    Call,
    Clock,
    FunctionVersion,
    InvocationResult,
    LambdaError,
    limits,
    parse_function_name,
)
from emulator.model.nearest import nearest

PREFIX: Final = "/fn/"


class Door(Protocol):
    """The way to run a function."""

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        """Run it and wait: the result and the request id. Raises LambdaError."""

    def stream(self, call: Call) -> StreamedInvocation:
        """Run it; returns when its response has begun. Raises LambdaError."""


# What a client sees when the function failed, or answered what is no HTTP response.
BAD_GATEWAY: Final = HttpAnswer(
    status=502, headers=(("Content-Type", "application/json"),), body=b"Internal Server Error"
)
UNKNOWN_URL: Final = HttpAnswer(
    status=403,
    headers=(
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "AccessDeniedException"),
    ),
    body=b'{"Message":null}',
)


class HttpEvents:
    """WSGI application for `/fn/NAME[/path]`. Any thread may call.

    functions: `$LATEST` of every function, for the message about an unknown one.
    streams: whether the URL of a function has the invoke mode RESPONSE_STREAM, by account, Region
    and name.
    """

    def __init__(
        self,
        door: Door,
        functions: Callable[[], Sequence[FunctionVersion]],
        clock: Clock,
        streams: Callable[[str, str, str], bool] = lambda _account, _region, _name: False,
    ) -> None:
        self._door = door
        self._functions = functions
        self._clock = clock
        self._streams = streams

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the function the path names, and answer with its response."""
        if ".lambda-url." in environ["HTTP_HOST"]:
            return send(UNKNOWN_URL, start_response)  # no function has a URL of its own yet
        name, _, rest = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
        call = self._call(environ, name, rest)
        try:
            if self._streams(call.account, call.region, _bare(name)):
                return self._stream(call, start_response)
            result, request_id = self._door.run(call)
        except LambdaError as error:
            return send(self._refused(call, error), start_response)
        answer = None if result.function_error else parse_response(result.payload)
        headers = _headers(call, request_id)
        return send((answer or BAD_GATEWAY).with_headers(*headers), start_response)

    def _stream(self, call: Call, start_response: StartResponse) -> Iterable[bytes]:
        streamed = self._door.stream(call)
        headers = _headers(call, streamed.request_id)
        answer = begin_answer(streamed)
        if answer is None:
            return send(BAD_GATEWAY.with_headers(*headers), start_response)
        return answer.start(start_response, *headers)

    def _call(self, environ: WSGIEnvironment, name: str, path: str) -> Call:
        body = environ["wsgi.input"].read(limits.SYNC_REQUEST_BYTES + 1)
        now_s = self._clock.now()
        callers_trace = environ.get("HTTP_X_AMZN_TRACE_ID")
        trace = trace_header(callers_trace, now_s)
        event = build_event(
            read_request(environ, path, body, trace),
            front_of(name, environ["emulator.region"]),
            request_id=str(uuid.uuid4()),
            now_s=now_s,
        )
        return Call(
            account=environ["emulator.account"],
            region=environ["emulator.region"],
            function=name,
            payload=utf8(compact(event)),
            trace_header=trace,
            is_new_trace=not decides_sampling(callers_trace),
            source="url",
        )

    def _refused(self, call: Call, error: LambdaError) -> HttpAnswer:
        name = _bare(call.function)
        here = (call.account, call.region)
        names = [v.name for v in self._functions() if (v.account, v.region) == here]
        if error.fault.status == HTTPStatus.NOT_FOUND and name not in names:
            text = f'function "{name}" is not registered{nearest(name, names)}'
            return json_answer(404, {"message": text})
        kind = ("x-amzn-ErrorType", error.code)
        return json_answer(error.fault.status, {"Message": error.message}, kind)


def _bare(function: str) -> str:
    """The function's name without a qualifier."""
    parsed = parse_function_name(function)
    return parsed.name if parsed else function


def _headers(call: Call, request_id: str) -> tuple[tuple[str, str], ...]:
    trace = str(call.trace_header).lower()
    return ("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace)


def front_of(url_id: str, region: str) -> Front:
    """The function URL `url_id`, as events show it; it asks for no authorization."""
    domain = f"{url_id}.lambda-url.{region}.on.aws"
    return Front(account="anonymous", api_id=url_id, domain=domain)
