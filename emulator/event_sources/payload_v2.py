"""Payload version 2.0: the event of function URLs and HTTP APIs, and what a function answers.

Source: spec/events.md sections 7.2, 7.3; recorded events of function URLs without authorization.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from emulator.event_sources.http_messages import (
    HOP_BY_HOP,
    HttpAnswer,
    HttpRequest,
    compact,
    utf8,
)
from emulator.event_sources.proxy_answers import header_text, parse_body, parse_status

JSON_TYPE: Final = "application/json"
# Headers of a function's answer that only the front end may set come out under another name.
_REMAPPED: Final = HOP_BY_HOP | {"content-length", "date", "server"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """What an event says about the front end the request came through."""

    account: str  # "anonymous" for a function URL without authorization
    api_id: str
    domain: str
    route_key: str = "$default"
    stage: str = "$default"
    path_parameters: Mapping[str, str] | None = None
    stage_variables: Mapping[str, str] | None = None
    authorizer: Mapping[str, Any] | None = None


def build_event(
    request: HttpRequest, front: Front, *, request_id: str, now_s: float
) -> dict[str, Any]:
    """Make the event of payload version 2.0.

    now_s: seconds since the epoch. Optional members are absent when there is nothing in them.
    """
    headers = request.end_to_end_headers
    cookies = headers.pop("cookie", "")
    text = request.text()
    event = {
        "version": "2.0",
        "routeKey": front.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "cookies": cookies.split("; ") if cookies else None,
        "headers": headers,
        "queryStringParameters": query_parameters(request.query) or None,
        "requestContext": _context(request, front, request_id, now_s),
        "pathParameters": front.path_parameters or None,
        "stageVariables": front.stage_variables or None,
        "body": (base64.b64encode(request.body).decode() if text is None else text) or None,
        "isBase64Encoded": text is None,
    }
    return {name: value for name, value in event.items() if value is not None}


def _context(request: HttpRequest, front: Front, request_id: str, now_s: float) -> dict[str, Any]:
    return {
        "accountId": front.account,
        "apiId": front.api_id,
        **({"authorizer": front.authorizer} if front.authorizer else {}),
        "domainName": front.domain,
        "domainPrefix": front.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": front.route_key,
        "stage": front.stage,
        "time": clf_time(now_s),
        "timeEpoch": int(now_s * 1000),
    }


def clf_time(now_s: float) -> str:
    """`21/Nov/2026:10:00:00 +0000`, as front ends write a time."""
    return datetime.fromtimestamp(now_s, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def query_parameters(query: str) -> dict[str, str]:
    """The parameters of a query string, decoded; repeats joined by `,`."""
    return _joined(parse_qsl(query, keep_blank_values=True))


def parse_response(payload: bytes) -> HttpAnswer | None:
    """Read what a function answered by the rules of payload version 2.0; None: it is none.

    An object with `statusCode` is taken apart; anything else is the body of a 200: a string
    without its quotes, other JSON in compact form.
    """
    try:
        response = json.loads(payload)
        if isinstance(response, dict) and "statusCode" in response:
            return _parse_object(response)
    except ValueError:
        return None
    text = response if isinstance(response, str) else compact(response)
    return _answer(200, utf8(text))


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, text in pairs:
        joined[name] = f"{joined[name]},{text}" if name in joined else text
    return joined


def parse_head(response: dict[str, Any], default_type: str = JSON_TYPE) -> HttpAnswer | None:
    """Status, headers and cookies of a response object that has a `statusCode`; None: they are
    malformed. default_type: the body's, where no header names it.
    """
    status = parse_status(response["statusCode"])
    headers, cookies = response.get("headers") or {}, response.get("cookies") or []
    if status is None or not isinstance(headers, dict):
        return None
    if not (isinstance(cookies, list) and all(isinstance(cookie, str) for cookie in cookies)):
        return None
    if any(isinstance(value, dict | list) for value in headers.values()):
        return None
    return _answer(status, b"", headers, cookies, default_type)


def _parse_object(response: dict[str, Any]) -> HttpAnswer | None:
    head, body = parse_head(response), parse_body(response)
    return None if head is None or body is None else replace(head, body=body)


def _answer(
    status: int,
    body: bytes,
    headers: Mapping[str, Any] | None = None,
    cookies: Sequence[str] = (),
    default_type: str = JSON_TYPE,
) -> HttpAnswer:
    named = [(_name(name), header_text(value)) for name, value in (headers or {}).items()]
    if all(name.lower() != "content-type" for name, _ in named):
        named.append(("Content-Type", default_type))
    named += [("Set-Cookie", cookie) for cookie in cookies]
    return HttpAnswer(status=status, headers=tuple(named), body=body)


def _name(name: str) -> str:
    return f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name
