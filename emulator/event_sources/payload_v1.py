"""Payload version 1.0: the event of REST APIs, of HTTP APIs that ask for it, and its answer.

Source: spec/events.md section 7.1.
"""

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import parse_qsl

from emulator.event_sources.http_messages import HOP_BY_HOP, HttpAnswer, HttpRequest
from emulator.event_sources.payload_v2 import clf_time
from emulator.event_sources.proxy_answers import header_text, parse_body, parse_status

# Headers of a function's answer that only API Gateway may set come out under another name.
_REMAPPED: Final = HOP_BY_HOP | {
    *("authorization", "content-length", "content-md5", "date", "host", "max-forwards"),
    *("proxy-authenticate", "server", "user-agent", "www-authenticate"),
}
_NOBODY: Final[Mapping[str, str | None]] = dict.fromkeys(
    (
        *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider"),
        *("cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId"),
        *("principalOrgId", "sourceIp", "user", "userAgent", "userArn"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RestFront:
    """What an event says about the API the request came through."""

    account: str
    api_id: str
    region: str
    deployment_id: str
    stage: str
    resource_id: str
    resource: str  # `/orders/{id}`
    path_variables: Mapping[str, str]
    stage_variables: Mapping[str, str]
    request_id: str
    extended_request_id: str
    now_s: float  # seconds since the epoch
    identity: Mapping[str, str | None]  # beside what the request itself tells
    authorizer: Mapping[str, Any] | None = None


def build_event(
    request: HttpRequest, front: RestFront, binary_media_types: Collection[str]
) -> dict[str, Any]:
    """Make the event of payload version 1.0; what is empty is null."""
    is_binary = matches_media_type(request.media_type, binary_media_types)
    body = base64.b64encode(request.body) if is_binary else request.body
    return {
        **request_members(request, front),
        "requestContext": build_context(request, front),
        "body": body.decode(errors="replace") or None,
        "isBase64Encoded": is_binary and bool(body),
    }


def request_members(request: HttpRequest, front: RestFront) -> dict[str, Any]:
    """What an event, and that of a REQUEST authorizer, say about the request but its body."""
    headers = named_headers(request)
    pairs = parse_qsl(request.query, keep_blank_values=True)
    return {
        "resource": front.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers or None,
        "multiValueHeaders": {name: [text] for name, text in headers.items()} or None,
        "queryStringParameters": dict(pairs) or None,  # the last value of a repeated key
        "multiValueQueryStringParameters": grouped(pairs) or None,
        "pathParameters": dict(front.path_variables) or None,
        "stageVariables": dict(front.stage_variables) or None,
    }


def build_context(request: HttpRequest, front: RestFront) -> dict[str, Any]:
    """The `requestContext`."""
    domain = f"{front.api_id}.execute-api.{front.region}.amazonaws.com"
    agent = request.headers.get("user-agent")
    identity = {**_NOBODY, **front.identity, "sourceIp": request.source_ip, "userAgent": agent}
    context: dict[str, Any] = {
        "accountId": front.account,
        "apiId": front.api_id,
        "deploymentId": front.deployment_id,
        "domainName": domain,
        "domainPrefix": front.api_id,
        "extendedRequestId": front.extended_request_id,
        "httpMethod": request.method,
        "identity": identity,
        "path": f"/{front.stage}{request.path}",
        "protocol": request.protocol,
        "requestId": front.request_id,
        "requestTime": clf_time(front.now_s),
        "requestTimeEpoch": int(front.now_s * 1000),
        "resourceId": front.resource_id,
        "resourcePath": front.resource,
        "stage": front.stage,
    }
    if front.authorizer is not None:
        context["authorizer"] = dict(front.authorizer)
    return context


def parse_response(
    payload: bytes, accept: str, binary_media_types: Collection[str]
) -> HttpAnswer | None:
    """Read what a function answered to a proxy integration; None: it is malformed.

    accept: the request's header, whose first type says whether a base64 body is decoded.
    """
    try:
        response = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(response, dict):
        return None
    first = accept.partition(",")[0].partition(";")[0].strip().lower()
    status, headers = parse_status(response.get("statusCode")), _answer_headers(response)
    body = parse_body(response, decodes=matches_media_type(first, binary_media_types))
    if status is None or headers is None or body is None:
        return None
    return HttpAnswer(status=status, headers=tuple(headers), body=body)


def _answer_headers(response: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    single, multiple = response.get("headers") or {}, response.get("multiValueHeaders") or {}
    if not (isinstance(single, dict) and isinstance(multiple, dict)):
        return None
    if any(isinstance(value, dict | list) for value in single.values()):
        return None
    if not all(isinstance(values, list) for values in multiple.values()):
        return None
    named = [(name, header_text(value)) for name, value in single.items()]
    known = {(name.lower(), text) for name, text in named}
    for name, values in multiple.items():
        texts = map(header_text, values)
        named += [(name, text) for text in texts if (name.lower(), text) not in known]
    if all(name.lower() != "content-type" for name, _ in named):
        named.append(("Content-Type", "application/json"))
    return [(remapped(name), text) for name, text in named]


def matches_media_type(media_type: str, patterns: Iterable[str]) -> bool:
    """Whether a body of this type is binary to the API; `*/*` matches a missing type, too."""
    return any(
        pattern == "*/*" or (media_type and fnmatchcase(media_type, pattern.lower()))
        for pattern in patterns
    )


def named_headers(request: HttpRequest) -> dict[str, str]:
    """The headers as a REST API shows them.

    Differs from API Gateway, which keeps the caller's spelling and repeats: the server tells
    neither, so names come as most clients send them (`User-Agent`), repeats joined by `,`.
    """
    headers = request.end_to_end_headers
    return {
        name.title().replace("Websocket", "WebSocket"): text
        for name, text in headers.items()
        if name != "content-length"
    }


def grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each name, in order."""
    values: dict[str, list[str]] = {}
    for name, text in pairs:
        values.setdefault(name, []).append(text)
    return values


def grouped_query(query: str) -> dict[str, list[str]]:
    """All values of each parameter of a query string, decoded."""
    return grouped(parse_qsl(query, keep_blank_values=True))


def remapped(name: str) -> str:
    """The name under which a header of a function's answer goes out."""
    return f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name
