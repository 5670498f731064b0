"""Invoke over HTTP: from headers and body to a call, and from its result to the answer.

Everything an invocation costs in this room is here, so nothing heavy is imported: the service
model is loaded only for a request that breaks it. Source: spec/invoke.md sections 1 and 4.
"""

import base64
import json
import re
from typing import Final, Protocol
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from emulator.api.answer import Answer, Headers, error_answer
from emulator.invoke import Accepted
from emulator.invoke.identity import decides_sampling, new_request_id, trace_header
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    Call,
    Clock,
    InvocationResult,
    LambdaError,
    limits,
)
from emulator.model.steps import Pause, Steps

FUNCTIONS: Final = "/2015-03-31/functions/"
INVOCATIONS: Final = "/invocations"
QUICK_BODY_BYTES: Final = 65_536  # to check that it is JSON takes less than a millisecond
TYPES: Final = frozenset({"RequestResponse", "Event", "DryRun"})

_TENANT: Final = re.compile(r"[a-zA-Z0-9._:/=+\-@ ]{1,256}")
_DURABLE_NAME: Final = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_DURABLE_ARN: Final = "X-Amz-Durable-Execution-Arn"
_QUALIFIER: Final = re.compile(r"(?:\$(?:LATEST(?:\.PUBLISHED)?)|[a-zA-Z0-9-_$]+)")


class Invoker(Protocol):
    """The door to every function; `emulator.invoke.Invoker` is one."""

    def run_steps(self, call: Call) -> Steps[tuple[InvocationResult, str]]:
        """Run the function until it has answered: its result, and the request id."""
        ...

    def submit_steps(self, call: Call) -> Steps[Accepted]:
        """Queue the event."""
        ...

    def check(self, call: Call) -> None:
        """Raise what `run` would raise before it runs anything."""
        ...


def function_in(path: str) -> str | None:
    """The function's name in the path of an Invoke; None: the path is another one."""
    if not path.startswith(FUNCTIONS) or not path.endswith(INVOCATIONS):
        return None
    name = path[len(FUNCTIONS) : -len(INVOCATIONS)]
    return None if not name or "/" in name else name


def read_body(environ: WSGIEnvironment) -> bytes:
    """The body of a request, whole."""
    body = environ["wsgi.input"]
    if length := environ.get("CONTENT_LENGTH"):
        # One byte too many is enough to refuse it; the server reads past the rest.
        content: bytes = body.read(min(int(length), limits.SYNC_REQUEST_BYTES + 1))
        return content
    return body.read() if environ.get("wsgi.input_terminated") else b""


def invoke(
    invoker: Invoker, clock: Clock, environ: WSGIEnvironment, function: str, body: bytes
) -> Steps[Answer]:
    """Answer one Invoke; `function` is as the path has it, its escapes taken off."""
    request_id = new_request_id()
    try:
        return (yield from _invoke(invoker, clock, environ, function, body, request_id))
    except LambdaError as error:
        return error_answer(error, request_id)


def _invoke(
    invoker: Invoker,
    clock: Clock,
    environ: WSGIEnvironment,
    function: str,
    body: bytes,
    request_id: str,
) -> Steps[Answer]:
    if len(body) > QUICK_BODY_BYTES:
        yield Pause.BLOCKS
    invocation_type = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
    log_type = environ.get("HTTP_X_AMZ_LOG_TYPE", "None")
    call = read_call(environ, clock, function, body, request_id, invocation_type)
    if not is_plain(environ, call, invocation_type, log_type, TYPES):
        yield Pause.BLOCKS
        refuse(environ, call, invocation_type, log_type, "Invoke")
    if invocation_type == "RequestResponse":
        result, request_id = yield from invoker.run_steps(call)
        return _result(result, request_id, call, log_type)
    if invocation_type == "Event":
        accepted = yield from invoker.submit_steps(call)
        headers = [("Content-Length", "0"), *common_headers(call, accepted.request_id)]
        if accepted.durable_execution_arn is not None:
            headers.append((_DURABLE_ARN, accepted.durable_execution_arn))
        return Answer(202, headers, b"")
    invoker.check(call)
    return Answer(204, common_headers(call, request_id), b"")


def read_call(
    environ: WSGIEnvironment,
    clock: Clock,
    function: str,
    body: bytes,
    request_id: str,
    invocation_type: str,
) -> Call:
    """Make the call of a request; raises LambdaError for a client context nobody can read."""
    query = environ.get("QUERY_STRING")
    callers_trace = environ.get("HTTP_X_AMZN_TRACE_ID")
    return Call(
        account=environ.get("emulator.account", DEFAULT_ACCOUNT),
        region=environ.get("emulator.region", DEFAULT_REGION),
        function=function,
        payload=body or b"{}",
        qualifier=_qualifier(query) if query else None,
        client_context=_client_context(environ, invocation_type),
        tenant_id=environ.get("HTTP_X_AMZ_TENANT_ID"),
        trace_header=trace_header(callers_trace, clock.now()),
        is_new_trace=not decides_sampling(callers_trace),
        request_id=request_id,
        wants_log=environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail",
        durable_name=environ.get("HTTP_X_AMZ_DURABLE_EXECUTION_NAME"),
    )


def common_headers(call: Call, request_id: str) -> Headers:
    """Headers of every answer that is not an error."""
    shown = str(call.trace_header).replace("Root=", "root=", 1).replace(";Parent=", ";parent=", 1)
    return [
        ("x-amzn-RequestId", request_id),
        ("x-amzn-Remapped-Content-Length", "0"),
        ("X-Amzn-Trace-Id", shown.replace(";Sampled=", ";sampled=", 1)),
    ]


def log_tail(result: InvocationResult) -> str:
    """The end of the log as LogType=Tail wants it."""
    return base64.b64encode(result.log.text[-limits.LOG_TAIL_BYTES :]).decode()


def _result(result: InvocationResult, request_id: str, call: Call, log_type: str) -> Answer:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(result.payload))),
        ("X-Amz-Executed-Version", result.executed_version),
        *common_headers(call, request_id),
    ]
    if result.durable_execution_arn is not None:
        headers.append((_DURABLE_ARN, result.durable_execution_arn))
    if result.function_error:
        headers.append(("X-Amz-Function-Error", result.function_error))
    if log_type == "Tail":
        headers.append(("X-Amz-Log-Result", log_tail(result)))
    return Answer(200, headers, result.payload)


def _qualifier(query: str) -> str | None:
    return parse_qs(query, keep_blank_values=True).get("Qualifier", [None])[0]


def _client_context(environ: WSGIEnvironment, invocation_type: str) -> str | None:
    encoded = environ.get("HTTP_X_AMZ_CLIENT_CONTEXT")
    if not encoded:
        return None
    if len(encoded) > limits.CLIENT_CONTEXT_CHARS:
        raise _bad_content(
            f"Client context must be no more than {limits.CLIENT_CONTEXT_CHARS} bytes."
        )
    try:
        text = base64.b64decode(encoded, validate=True).decode()
        is_object = isinstance(json.loads(text), dict)
    except ValueError:
        is_object, text = False, ""
    if not is_object:
        raise _bad_content("Client context must be a valid Base64-encoded JSON object.")
    return text if invocation_type == "RequestResponse" else None  # others never get it


def _bad_content(message: str) -> LambdaError:
    return LambdaError("InvalidRequestContentException", message)


def is_plain(
    environ: WSGIEnvironment, call: Call, invocation_type: str, log_type: str, types: frozenset[str]
) -> bool:
    """Whether the parameters are ones that AWS and this emulator take.

    The function's name is not looked at: who resolves it refuses a malformed one.
    """
    qualifier = call.qualifier
    return (
        invocation_type in types
        and log_type in {"None", "Tail"}
        and (qualifier is None or (len(qualifier) <= 128 and bool(_QUALIFIER.fullmatch(qualifier))))
        and (call.tenant_id is None or bool(_TENANT.fullmatch(call.tenant_id)))
        and (call.durable_name is None or bool(_DURABLE_NAME.fullmatch(call.durable_name)))
    )


def refuse(
    environ: WSGIEnvironment, call: Call, invocation_type: str, log_type: str, operation: str
) -> None:
    """Raise what is wrong with the parameters of a call."""
    # Late: botocore and its service model, which take a tenth of a second.
    from emulator.api.service_model import service_model
    from emulator.api.validation import check

    members = {
        "FunctionName": call.function,
        "InvocationType": invocation_type,
        "LogType": log_type,
        "Qualifier": call.qualifier,
        "TenantId": call.tenant_id,
        "DurableExecutionName": call.durable_name,
    }
    given = {name: value for name, value in members.items() if value is not None}
    check(service_model().operation_model(operation), given)
