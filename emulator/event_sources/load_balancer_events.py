"""The event that a load balancer sends, and what a function may answer.

Source: spec/events.md section 7.5.
"""

import base64
import json
from typing import Any, Final

from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.event_sources.payload_v1 import grouped
from emulator.event_sources.proxy_answers import header_text, parse_body, parse_status

LIMIT_BYTES: Final = 1_048_576
_TEXT: Final = ("application/json", "application/javascript", "application/xml")
_OWN_HEADERS: Final = frozenset({"content-length", "connection", "transfer-encoding"})


def build_event(
    request: HttpRequest, target_group_arn: str, *, is_multi_value: bool
) -> dict[str, Any]:
    """Make the event of one request. Query values stay as they came, undecoded."""
    pairs = [
        (name, value)
        for name, _, value in (pair.partition("=") for pair in request.query.split("&") if pair)
    ]
    headers = request.end_to_end_headers
    is_text = not request.body or _is_text(request)
    body = request.body if is_text else base64.b64encode(request.body)
    query_and_headers: dict[str, Any]
    if is_multi_value:
        query_and_headers = {
            "multiValueQueryStringParameters": grouped(pairs),
            "multiValueHeaders": {name: [text] for name, text in headers.items()},
        }
    else:
        query_and_headers = {"queryStringParameters": dict(pairs), "headers": headers}
    return {
        "requestContext": {"elb": {"targetGroupArn": target_group_arn}},
        "httpMethod": request.method,
        "path": request.path,
        **query_and_headers,
        "body": body.decode(errors="replace"),
        "isBase64Encoded": not is_text,
    }


def parse_response(payload: bytes, *, is_multi_value: bool) -> HttpAnswer | None:
    """Read what a function answered; None: it is malformed, or too large."""
    try:
        response = json.loads(payload)
    except ValueError:
        return None
    if len(payload) > LIMIT_BYTES or not isinstance(response, dict):
        return None
    status, body = parse_status(response.get("statusCode")), parse_body(response)
    named = _headers(response.get("multiValueHeaders" if is_multi_value else "headers") or {})
    if status is None or named is None or body is None:
        return None
    return HttpAnswer(status=status, headers=named, body=body)


def _headers(given: Any) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(given, dict):
        return None
    pairs = [
        (name, header_text(value))
        for name, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return tuple(pair for pair in pairs if pair[0].lower() not in _OWN_HEADERS)


def _is_text(request: HttpRequest) -> bool:
    if "content-encoding" in request.headers:
        return False
    return request.media_type.startswith("text/") or request.media_type in _TEXT
