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
from emulator.event_sources.payload_v2 import Front, build_event, parse_response
from emulator.invoke.identity import trace_header
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
    """

    def __init__(
        self, door: Door, functions: Callable[[], Sequence[FunctionVersion]], clock: Clock
    ) -> None:
        self._door = door
        self._functions = functions
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the function the path names, and answer with its response."""
        return send(self._answer(environ), start_response)

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        if ".lambda-url." in environ["HTTP_HOST"]:
            return UNKNOWN_URL  # no function has a URL of its own yet
        name, _, rest = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
        body = environ["wsgi.input"].read(limits.SYNC_REQUEST_BYTES + 1)
        now_s = self._clock.now()
        trace = trace_header(environ.get("HTTP_X_AMZN_TRACE_ID"), now_s)
        event = build_event(
            read_request(environ, rest, body, trace),
            front_of(name, environ["emulator.region"]),
            request_id=str(uuid.uuid4()),
            now_s=now_s,
        )
        call = Call(
            account=environ["emulator.account"],
            region=environ["emulator.region"],
            function=name,
            payload=utf8(compact(event)),
            trace_header=trace,
            source="url",
        )
        try:
            result, request_id = self._door.run(call)
        except LambdaError as error:
            return self._refused(call, error)
        answer = None if result.function_error else parse_response(result.payload)
        answer = answer or BAD_GATEWAY
        return answer.with_headers(
            ("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace.lower())
        )

    def _refused(self, call: Call, error: LambdaError) -> HttpAnswer:
        parsed = parse_function_name(call.function)
        name = parsed.name if parsed else call.function
        here = (call.account, call.region)
        names = [v.name for v in self._functions() if (v.account, v.region) == here]
        if error.fault.status == HTTPStatus.NOT_FOUND and name not in names:
            text = f'function "{name}" is not registered{nearest(name, names)}'
            return json_answer(404, {"message": text})
        kind = ("x-amzn-ErrorType", error.code)
        return json_answer(error.fault.status, {"Message": error.message}, kind)


def front_of(url_id: str, region: str) -> Front:
    """The function URL `url_id`, as events show it; it asks for no authorization."""
    domain = f"{url_id}.lambda-url.{region}.on.aws"
    return Front(account="anonymous", api_id=url_id, domain=domain)
