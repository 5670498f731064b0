"""CORS as a function URL answers it itself.

Source: spec/events.md section 7.3; Lambda Developer Guide, cross-origin resource sharing.
"""

from emulator.event_sources.cors import with_headers
from emulator.event_sources.http_messages import HttpAnswer
from emulator.model.function_url import UrlCors


def allows(cors: UrlCors, origin: str) -> bool:
    """Whether pages of an origin may call; `*` stands for any."""
    allowed = cors.allow_origins or ()
    return "*" in allowed or origin in allowed


def preflight(cors: UrlCors, origin: str) -> HttpAnswer:
    """Answer a preflight, with headers where the origin is allowed; the function is not asked."""
    if not allows(cors, origin):
        return HttpAnswer(status=200)
    headers = _shared(cors, origin)
    for name, values in (
        ("Access-Control-Allow-Headers", cors.allow_headers),
        ("Access-Control-Allow-Methods", cors.allow_methods),
    ):
        if values:
            headers[name] = ",".join(values)
    if cors.max_age_s is not None:
        headers["Access-Control-Max-Age"] = str(cors.max_age_s)
    return HttpAnswer(status=200, headers=tuple(headers.items()))


def decorate(cors: UrlCors, origin: str | None, answer: HttpAnswer) -> HttpAnswer:
    """The answer with the URL's CORS headers in place of the function's."""
    made: dict[str, str] = {}
    if origin is not None and allows(cors, origin):
        made = _shared(cors, origin)
        if cors.expose_headers:
            made["Access-Control-Expose-Headers"] = ",".join(cors.expose_headers)
    return with_headers(answer, made)


def _shared(cors: UrlCors, origin: str) -> dict[str, str]:
    # With credentials browsers take no `*`.
    is_any = "*" in (cors.allow_origins or ()) and not cors.allow_credentials
    headers = {"Access-Control-Allow-Origin": "*" if is_any else origin}
    if not is_any:
        headers["Vary"] = "Origin"
    if cors.allow_credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers
