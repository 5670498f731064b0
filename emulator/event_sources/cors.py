"""What CORS of HTTP APIs and of function URLs have in common."""

from collections.abc import Mapping

from emulator.event_sources.http_messages import HttpAnswer, HttpRequest


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks what it may do."""
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def with_headers(answer: HttpAnswer, made: Mapping[str, str]) -> HttpAnswer:
    """The answer with these CORS headers in place of those of the function or back end."""
    kept = tuple(
        (name, text)
        for name, text in answer.headers
        if not name.lower().startswith("access-control-")
    )
    return HttpAnswer(status=answer.status, headers=(*kept, *made.items()), body=answer.body)
