"""HTTP requests as events: function URLs, and `/fn/NAME[/path]`, which every function has.

Source: spec/events.md section 7.3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.control.url_directory import UrlDirectory, UrlRoute
from emulator.event_sources import url_cors
from emulator.event_sources.cors import is_preflight
from emulator.event_sources.entrances import Entrance, entrance_of
from emulator.event_sources.http_messages import (
    HttpAnswer,
    HttpRequest,
    compact,
    json_answer,
    read_request,
    send,
    utf8,
)
from emulator.event_sources.http_streams import StreamedAnswer, begin_answer
from emulator.event_sources.payload_v2 import Front, build_event, parse_response
from emulator.event_sources.url_answers import BAD_GATEWAY, FORBIDDEN, UNKNOWN_URL, refused
from emulator.invoke import StreamedInvocation
from emulator.invoke.identity import decides_sampling, new_request_id, trace_header
from emulator.model import Call, Clock, FunctionVersion, InvocationResult, LambdaError, limits
from emulator.model.function_url import IAM_AUTH, url_domain
from emulator.model.nearest import nearest
from emulator.observe import Reporter

if TYPE_CHECKING:
    from emulator.aws.callers import Caller

Identify = Callable[[WSGIEnvironment, bytes, str], "Caller | None"]
"""environ, body, Region -> who signed the request for Lambda; raises LambdaError as AWS does."""


class Door(Protocol):
    """The way to run a function."""

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        """Run it and wait: the result and the request id. Raises LambdaError."""

    def stream(self, call: Call) -> StreamedInvocation:
        """Run it; returns when its response has begun. Raises LambdaError."""


class Functions(Protocol):
    """What is configured."""

    urls: UrlDirectory

    def functions(self) -> Sequence[FunctionVersion]:
        """`$LATEST` of every function, for the message about an unknown one."""

    def may_call_url(self, route: UrlRoute, caller: str | None) -> bool:
        """Whether an account (None: nobody in particular) may call a URL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Arrival:
    """One request, and the way it came."""

    environ: WSGIEnvironment
    entrance: Entrance
    request: HttpRequest
    trace: str  # X-Amzn-Trace-Id, the caller's or a new one
    is_new_trace: bool  # nobody has decided yet whether it is sampled


class HttpEvents:
    """WSGI application for function URLs and `/fn/NAME[/path]`. Any thread may call."""

    def __init__(
        self,
        door: Door,
        functions: Functions,
        identify: Identify,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._door = door
        self._functions = functions
        self._identify = identify
        self._clock = clock
        self._reporter = reporter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the function that is asked for, and answer with its response."""
        entrance = entrance_of(environ, self._functions.urls)
        if entrance is None:
            return send(_identified(UNKNOWN_URL), start_response)
        arrival = self._arrival(environ, entrance)
        cors = entrance.url.cors if entrance.url else None
        origin = arrival.request.headers.get("origin")
        if cors is not None and origin is not None and is_preflight(arrival.request):
            return send(_identified(url_cors.preflight(cors, origin)), start_response)
        answer = self._answer(arrival)
        if isinstance(answer, StreamedAnswer):
            head = answer.head if cors is None else url_cors.decorate(cors, origin, answer.head)
            return answer.start(start_response, head)
        answer = answer if cors is None else url_cors.decorate(cors, origin, answer)
        return send(answer, start_response)

    def allows_origin(self, environ: WSGIEnvironment, origin: str) -> bool:
        """Whether the CORS rules of the URL that is asked let in pages of `origin`.

        `/fn/NAME` asks for no signature, so pages get no further there than a URL lets everybody.
        """
        entrance = entrance_of(environ, self._functions.urls)
        if entrance is None or entrance.url is None or entrance.url.cors is None:
            return False
        is_way_round = entrance.route is None and entrance.url.auth_type == IAM_AUTH
        return not is_way_round and url_cors.allows(entrance.url.cors, origin)

    def _arrival(self, environ: WSGIEnvironment, entrance: Entrance) -> _Arrival:
        body = environ["wsgi.input"].read(limits.SYNC_REQUEST_BYTES + 1)
        callers_trace = environ.get("HTTP_X_AMZN_TRACE_ID")
        trace = trace_header(callers_trace, self._clock.now())
        return _Arrival(
            environ=environ,
            entrance=entrance,
            request=read_request(environ, entrance.path, body, trace),
            trace=trace,
            is_new_trace=not decides_sampling(callers_trace),
        )

    def _answer(self, arrival: _Arrival) -> HttpAnswer | StreamedAnswer:
        entrance = arrival.entrance
        try:
            caller = self._caller(arrival)
            if entrance.route and not self._lets_in(entrance.route, caller):
                return _identified(FORBIDDEN)
            call = self._call(arrival, caller)
            if entrance.url is not None and entrance.url.streams:
                return self._stream(call)
            result, request_id = self._door.run(call)
        except LambdaError as error:
            return _identified(self._refused(entrance, error))
        answer = None if result.function_error else parse_response(result.payload)
        return (answer or BAD_GATEWAY).with_headers(*_headers(call, request_id))

    def _stream(self, call: Call) -> HttpAnswer | StreamedAnswer:
        streamed = self._door.stream(call)
        headers = _headers(call, streamed.request_id)
        return begin_answer(streamed, headers) or BAD_GATEWAY.with_headers(*headers)

    def _caller(self, arrival: _Arrival) -> "Caller | None":
        route = arrival.entrance.route
        if route is None or route.url.auth_type != IAM_AUTH:
            return None
        return self._identify(arrival.environ, arrival.request.body, route.target.region)

    def _lets_in(self, route: UrlRoute, caller: "Caller | None") -> bool:
        if self._functions.may_call_url(route, caller.account if caller else None):
            return True
        self._reporter.event("url.forbidden", function=route.target.arn, hint=_hint(route, caller))
        return False

    def _call(self, arrival: _Arrival, caller: "Caller | None") -> Call:
        entrance = arrival.entrance
        request_id = new_request_id()  # the event names the invocation's own
        event = build_event(
            arrival.request,
            front_of(entrance.url_id, entrance.region, caller),
            request_id=request_id,
            now_s=self._clock.now(),
        )
        return Call(
            account=entrance.account,
            region=entrance.region,
            function=entrance.function,
            payload=utf8(compact(event)),
            trace_header=arrival.trace,
            is_new_trace=arrival.is_new_trace,
            request_id=request_id,
            source="url",
        )

    def _refused(self, entrance: Entrance, error: LambdaError) -> HttpAnswer:
        is_missing = error.fault.status == HTTPStatus.NOT_FOUND
        if entrance.route is not None:
            if error.fault.status == HTTPStatus.FORBIDDEN:
                arn = entrance.route.target.arn
                self._reporter.event("url.refused", function=arn, reason=error.message)
            return FORBIDDEN if is_missing else refused(error)  # missing: the alias was deleted
        name, here = entrance.bare_name, (entrance.account, entrance.region)
        names = [v.name for v in self._functions.functions() if (v.account, v.region) == here]
        if is_missing and name not in names:
            text = f'function "{name}" is not registered{nearest(name, names)}'
            return json_answer(404, {"message": text})
        return refused(error)


def _identified(answer: HttpAnswer) -> HttpAnswer:
    """The answer to a request for which no function ran."""
    return answer.with_headers(("x-amzn-RequestId", new_request_id()))


def _headers(call: Call, request_id: str) -> tuple[tuple[str, str], ...]:
    trace = str(call.trace_header).lower()
    return ("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace)


def _hint(route: UrlRoute, caller: "Caller | None") -> str:
    """What to do, for who reads the terminal; AWS tells a caller no more than that it is so."""
    if route.url.auth_type == IAM_AUTH and caller is None:
        return "AuthType is AWS_IAM: sign requests with Signature Version 4 for the service lambda"
    principal = "*" if caller is None else caller.account
    return (
        f"`aws lambda add-permission --principal '{principal}'` twice: with --action"
        f" lambda:InvokeFunctionUrl --function-url-auth-type {route.url.auth_type}, and with"
        " --action lambda:InvokeFunction --invoked-via-function-url"
    )


def front_of(url_id: str, region: str, caller: "Caller | None" = None) -> Front:
    """The function URL `url_id`, as events show it; caller: who signed the request."""
    domain = url_domain(url_id, region)
    if caller is None:
        return Front(account="anonymous", api_id=url_id, domain=domain)
    iam = {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.user_id,
    }
    return Front(account=caller.account, api_id=url_id, domain=domain, authorizer={"iam": iam})
