"""The listener for WebSocket clients, on a port of its own.

granian's WSGI interface has no way to upgrade a connection, so clients connect beside the main
port. The port is opened when the first WebSocket API is made; the API's endpoint names it.
"""

import logging
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from emulator.event_sources.api_gateway.addresses import address_of
from emulator.event_sources.api_gateway.websocket_api import Accepted, Refused, WebSocketGateway
from emulator.event_sources.http_messages import HttpRequest, compact, phrase_of

_MESSAGE_BYTES: Final = 131_072
_FRAME_BYTES: Final = 32_768
_NOT_TEXT: Final = 1003
_ABNORMAL: Final = 1006
_GOODBYE_S: Final = 1.0
_FAREWELL_S: Final = 1.5  # for all clients together

# The library tells of each client that goes without a word; nobody reads that.
_silent: Final = logging.getLogger("emulator.websockets")
_silent.setLevel(logging.CRITICAL + 1)

IsForeign = Callable[[str, str | None], bool]


class WebSocketServer:
    """Lets clients connect once it is opened.

    Any thread may call. `_lock` guards the opening. Threads: "websocket-listener" accepts, and
    each connection has one that reads and one of the library's.
    """

    def __init__(self, gateway: WebSocketGateway, is_foreign: IsForeign) -> None:
        """is_foreign: told `Host` and `Origin`; True for what must not connect."""
        self._gateway = gateway
        self._is_foreign = is_foreign
        self._lock = threading.Lock()
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()

    def open(self, host: str, wanted_port: int) -> int:
        """Listen, unless it does already; returns the port: `wanted_port`, or a free one."""
        with self._lock:
            if self._server is None:
                listener = _listen(host, wanted_port)
                self._port = listener.getsockname()[1]
                self._server = self._serve(listener)
                self._thread = threading.Thread(
                    target=self._server.serve_forever, name="websocket-listener", daemon=True
                )
                self._thread.start()
            return self._port

    def stop(self, grace_s: float) -> None:
        """Accept nobody, say goodbye to everybody; wait up to `grace_s`."""
        with self._lock:
            server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        # It waits for every connection's thread, and so for a function that one may wait for.
        closing = threading.Thread(target=server.shutdown, name="websocket-closing", daemon=True)
        closing.start()
        closing.join(min(grace_s, _FAREWELL_S))
        for connection in list(self._connections):
            connection.close_socket()  # of clients that never finished, or never said goodbye
        closing.join(grace_s)
        thread.join(grace_s)

    def _serve(self, listener: socket.socket) -> Any:
        from websockets.sync.server import serve  # late: few use WebSocket APIs

        make: Any = serve  # its types ask for the library's at the top of this module
        return make(
            self._converse,
            sock=listener,
            process_request=self._greet,
            create_connection=self._make_connection,
            select_subprotocol=_chosen_subprotocol,
            compression=None,
            server_header=None,
            ping_interval=None,
            close_timeout=_GOODBYE_S,
            max_size=(_MESSAGE_BYTES, _FRAME_BYTES),
            logger=_silent,
        )

    def _make_connection(self, *arguments: Any, **named: Any) -> Any:
        from websockets.sync.server import ServerConnection

        connection = ServerConnection(*arguments, **named)
        self._connections.add(connection)
        return connection

    def _greet(self, connection: Any, request: Any) -> Any:
        """Run `$connect`; returns a refusal, or None to go on."""
        headers = {name.lower(): text for name, text in request.headers.raw_items()}
        host = headers.get("host", "")
        if self._is_foreign(host, headers.get("origin")):
            return _refusal(connection, 403, "Forbidden")
        path, _, query = request.path.partition("?")
        address = address_of(host, path)
        if address is None:
            return _refusal(connection, 403, "Forbidden")
        handshake = HttpRequest(
            method="GET",
            path=quote(address.path, safe="/%:@!$&'()*+,;=~"),
            query=query,
            headers=headers,
            source_ip=connection.remote_address[0],
        )
        try:
            connection.accepted = self._gateway.connect(address.api_id, handshake)
        except Refused as refused:
            return _refusal(connection, refused.status, refused.message)
        connection.wire = ClientWire(connection)
        # Now: whoever the client tells that it is connected finds the connection. A client that
        # goes before it is told leaves one that ends when it has been idle for too long.
        self._gateway.opened(connection.accepted.opening, connection.wire)
        return None

    def _converse(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        accepted: Accepted = connection.accepted
        connection_id = accepted.opening.connection_id
        connection.wire.opened()
        try:
            while True:
                message = connection.recv()
                if isinstance(message, str):
                    self._gateway.received(connection_id, message)
                else:
                    # Differs from API Gateway, which can hand binary messages on as base64.
                    connection.close(_NOT_TEXT, "binary messages are not built in this emulator")
        except ConnectionClosed:
            pass
        finally:
            code = connection.close_code or _ABNORMAL
            self._gateway.closed(connection_id, code, connection.close_reason or "")


class ClientWire:
    """A client of the library's server. Any thread may call."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_open = threading.Event()

    def opened(self) -> None:
        """The client was told that it is connected."""
        self._is_open.set()

    def send(self, text: str) -> None:
        """Send a message; raises ConnectionError when the client has gone."""
        from websockets.exceptions import ConnectionClosed

        if not self._is_open.wait(_GOODBYE_S):
            raise ConnectionResetError("the client has gone")
        try:
            self._connection.send(text)
        except ConnectionClosed as error:
            raise ConnectionResetError("the client has gone") from error

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and wait a moment for the client to answer."""
        if self._is_open.wait(_GOODBYE_S):  # the client may know just before this side does
            self._connection.close(code, reason)


def _chosen_subprotocol(connection: Any, _offered: Any) -> str | None:
    accepted: Accepted = connection.accepted
    return accepted.subprotocol


def _refusal(connection: Any, status: int, message: str) -> Any:
    response = connection.respond(500, compact({"message": message}))
    # The library takes statuses with a name only; a function may answer any.
    response.status_code, response.reason_phrase = status, phrase_of(status)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response


def _listen(host: str, wanted_port: int) -> socket.socket:
    for port in (wanted_port, 0):
        try:
            return socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            )
        except OSError:
            if port == 0:
                raise
    raise AssertionError("port 0 is always tried")
