"""`@connections`: functions and others that speak to a connected client."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from emulator.event_sources.api_gateway.websocket_connections import Connection, Connections
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest, json_answer

PATH: Final = "/@connections/"
_LIMIT_BYTES: Final = 131_072
_NORMAL: Final = 1000


def connection_of(path: str) -> str | None:
    """The connection id at the end of a path; None: the path is no connection's."""
    before, found, connection_id = path.partition(PATH)
    return unquote(connection_id) if found and connection_id and before.count("/") <= 1 else None


def manage(
    connections: Connections, request: HttpRequest, connection_id: str, api_id: str | None
) -> HttpAnswer:
    """Send to a connection (POST), describe it (GET) or end it (DELETE).

    api_id: of the address; None: the address names none, so any API's connection will do.
    """
    if "authorization" not in request.headers and "X-Amz-Signature" not in request.query:
        return _refuse(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    connection = connections.find(connection_id)
    if connection is None or api_id not in (None, connection.opening.stage.api.id):
        return _refuse(410, "GoneException", None)
    if request.method == "GET":
        return json_answer(200, _describe(connection))
    if request.method == "DELETE":
        connection.wire.close(_NORMAL, "Connection Closed Normally")
        return HttpAnswer(status=204)
    return _send(connections, connection, request)


def _send(connections: Connections, connection: Connection, request: HttpRequest) -> HttpAnswer:
    if len(request.body) > _LIMIT_BYTES:
        return _refuse(413, "PayloadTooLargeException", None)
    try:
        connection.wire.send(request.body.decode(errors="replace"))
    except ConnectionError:
        return _refuse(410, "GoneException", None)
    connections.touch(connection)
    return HttpAnswer(status=200)


def _describe(connection: Connection) -> dict[str, object]:
    request = connection.opening.request
    return {
        "connectedAt": _iso(connection.opening.connected_s),
        "identity": {
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "lastActiveAt": _iso(connection.last_active_at_s),
    }


def _refuse(status: int, kind: str, message: str | None) -> HttpAnswer:
    return json_answer(status, {"message": message}, ("x-amzn-ErrorType", kind))


def _iso(at_s: float) -> str:
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
