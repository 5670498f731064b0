"""CORS as an HTTP API answers it itself."""

from fnmatch import fnmatchcase

from emulator.aws.http_api_snapshot import Cors
from emulator.event_sources.cors import with_headers
from emulator.event_sources.http_messages import HttpAnswer


def allows(cors: Cors, origin: str) -> bool:
    """Whether pages of an origin may call; `*` and `https://*` stand for any."""
    return any(fnmatchcase(origin, allowed) for allowed in cors.origins)


def preflight(cors: Cors, origin: str) -> HttpAnswer:
    """Answer a preflight: 204, with headers where the origin is allowed."""
    if not allows(cors, origin):
        return HttpAnswer(status=204)
    headers = _shared(cors, origin)
    if cors.methods:
        headers["access-control-allow-methods"] = ",".join(cors.methods)
    if cors.headers:
        headers["access-control-allow-headers"] = ",".join(cors.headers)
    if cors.max_age_s is not None:
        headers["access-control-max-age"] = str(cors.max_age_s)
    return HttpAnswer(status=204, headers=tuple(headers.items()))


def decorate(cors: Cors, origin: str, answer: HttpAnswer) -> HttpAnswer:
    """The answer with the API's CORS headers in place of the back end's."""
    made = _shared(cors, origin) if allows(cors, origin) else {}
    if made and cors.exposed:
        made["access-control-expose-headers"] = ",".join(cors.exposed)
    return with_headers(answer, made)


def _shared(cors: Cors, origin: str) -> dict[str, str]:
    any_origin = "*" in cors.origins and not cors.with_credentials
    headers = {"access-control-allow-origin": "*" if any_origin else origin}
    if cors.with_credentials:
        headers["access-control-allow-credentials"] = "true"
    return headers
