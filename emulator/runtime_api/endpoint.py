"""The APIs of one execution environment: a listening socket, its connections, the rules."""

import selectors
import socket
import time
from collections.abc import Callable
from typing import Final, Protocol

from emulator.model import SNAP_START, FunctionVersion, Invocation
from emulator.model.steps import Steps, Wait
from emulator.runtime_api.connection import PATIENCE_S, Connection
from emulator.runtime_api.extension_desk import ExtensionDesk
from emulator.runtime_api.extensions import VERSION as EXTENSIONS_VERSION
from emulator.runtime_api.response_stream import ResponseSink
from emulator.runtime_api.rules import Answer, Conversation, Reply, Request, State
from emulator.runtime_api.stream_receiver import StreamReceiver

BACKLOG = 16
MAX_CONNECTIONS = 256
MOST_READS = 64  # more than a socket's buffer holds
_VERSION_CHARS: Final = len("/2018-06-01")  # with which the path of each API begins


class Route(Protocol):
    """What answers the requests of one API beside the Runtime API."""

    def handle(self, request: Request, connection: Connection) -> Reply | None:
        """Answer; None when the connection is to wait for `RuntimeEndpoint.answer_later`."""

    def hang_up(self, connection: Connection) -> None:
        """Forget a connection that was closed while it waited."""


class RuntimeEndpoint:
    """Serves one environment's processes. Used by one thread at a time: whoever holds it.

    The owner waits on `selector` and calls `key.data()` for each ready descriptor. `routes` is
    open for further APIs, by the version their paths begin with.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        version: FunctionVersion | None = None,
        *,
        listens_on: str = "127.0.0.1",
        is_restored: bool = False,
    ) -> None:
        """is_restored: its runtimes come from a snapshot, and so have been initialised."""
        self._selector = selector
        self._version = version
        self._listener = socket.create_server((listens_on, 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._connections: set[Connection] = set()
        self._waiting: Connection | None = None  # holds a request for the next event
        self._first = State.RESTORING if is_restored else State.STARTED
        self._conversation = self._new_conversation()
        self._streams = StreamReceiver(self._selector, self._read)
        self.extensions = ExtensionDesk(self.answer_later, version)
        self.routes: dict[str, Route] = {EXTENSIONS_VERSION: self.extensions}
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    @property
    def address(self) -> str:
        """`host:port`, for AWS_LAMBDA_RUNTIME_API."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def _new_conversation(self) -> Conversation:
        is_snap_start = self._version and self._version.initialization_type == SNAP_START
        return Conversation(self._first, has_restore=bool(is_snap_start))

    @property
    def is_ready(self) -> bool:
        """True while the runtime waits for an event on an open connection."""
        return (
            self._conversation.state is State.READY
            and self._waiting is not None
            and self._waiting.is_open
        )

    @property
    def is_snapshot(self) -> bool:
        """True once the runtime waits for others to be restored of it."""
        return self._conversation.state is State.RESTORE_READY

    @property
    def has_client(self) -> bool:
        """True once somebody has connected."""
        return bool(self._connections)

    @property
    def answer(self) -> Answer | None:
        """The answer to the current invocation, or the init error; None while there is none."""
        return self._conversation.answer

    def deliver(
        self, invocation: Invocation, headers: dict[str, str], sink: ResponseSink | None = None
    ) -> None:
        """Send an event to the waiting runtime; only while `is_ready`.

        sink: takes what the runtime streams; None: a streamed answer is collected.
        """
        self._conversation.deliver(invocation)
        self._streams.sink = sink
        self._event = Reply(status=200, body=invocation.payload, headers=headers)
        connection = self._waiting
        self._send_event()
        if connection is not None and (connection.requests or not connection.is_open):
            self._serve(connection)  # what came pipelined, or nothing: it is over

    def forget_reader(self) -> None:
        """Hand nothing more to the sink of the last invocation, which is over for its caller."""
        self._streams.forget_reader()

    def drain(self) -> None:
        """Take what a runtime process that has ended had still sent of an answer."""
        for _ in range(BACKLOG):  # perhaps on a connection that nobody has looked at yet
            if not self._accept():
                break
        for each in list(self._connections):
            self._read(each)
        connection = self._streams.connection
        if connection is None:
            return
        for _ in range(MOST_READS):
            if not connection.receive():
                break
        self._streams.take(connection, self._conversation)

    @property
    def _answers_on(self) -> Connection | None:
        """The connection on which the answer to what was delivered comes; None: one cannot tell.

        Only of a runtime whose answer comes where the event went, together with its next request.
        """
        connection = self._delivered_to
        may_wait = connection.asks_at_once and connection.is_flushed and connection.is_open
        return connection if may_wait and self._conversation.answer is None else None

    def await_briefly(self) -> Steps[bool]:
        """Wait a few milliseconds for the answer to what was delivered; False: serve the selector.

        To look at the one connection on which it comes is one system call; the selector takes two.
        """
        connection = self._answers_on
        if connection is not None:
            has_waited = yield Wait(connection, time.monotonic() + PATIENCE_S)
            connection.receive(patiently=not has_waited)
            self._serve(connection)
        return self._conversation.answer is not None

    def restart(self) -> None:
        """Forget the runtime process that is gone; the address stays."""
        for connection in list(self._connections):
            self._drop(connection)
        # A connection of the old process may wait to be accepted: it is closed unseen.
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                break
        self._waiting = None
        self._conversation = self._new_conversation()
        self.extensions.restart()

    def close(self) -> None:
        """Close all sockets."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.unregister(self._listener)
        self._listener.close()

    def _accept(self) -> bool:
        """Accept one connection; False: none waits."""
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return False
        if len(self._connections) >= MAX_CONNECTIONS:  # its descriptors are the emulator's, too
            sock.close()
            return True
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock)
        self._connections.add(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._reader(connection))
        return True

    def _reader(self, connection: Connection) -> Callable[[], None]:
        return lambda: self._read(connection)

    def _read(self, connection: Connection) -> None:
        if not connection.is_open:
            return  # dropped after the selector had named it
        connection.receive()
        self._serve(connection)

    def _serve(self, connection: Connection) -> None:
        if connection.has_own_requests and self._exchange(connection):
            return
        while connection.requests and not connection.is_waiting:
            streaming = self._streams.connection
            if streaming is not None and streaming is not connection:
                self._read(streaming)  # its end may be there, and came before this request
            if connection.requests[0].open_body is None:
                self._handle(connection)
            elif not self._streams.take(connection, self._conversation):
                break
        if not connection.is_waiting:
            self._flush(connection)
        if not connection.is_open:
            self._drop(connection)

    def _exchange(self, connection: Connection) -> bool:
        """Take an answer with the request for the next event; False: each has to be looked at."""
        reply = self._conversation.exchange(connection.requests[0])
        if reply is None:
            return False
        connection.requests.clear()
        connection.reply(reply)
        connection.is_waiting = True
        self._waiting = connection
        return True

    def _handle(self, connection: Connection) -> None:
        request = connection.requests.popleft()
        route = self.routes.get(request.path[:_VERSION_CHARS])
        if route is not None:
            reply = route.handle(request, connection)
        else:
            reply = self._conversation.handle(request)
        if reply is not None:
            connection.reply(reply)
            return
        connection.is_waiting = True
        if route is not None:
            return
        # A runtime that asks: what was queued for it leaves together with the event, unless
        # it is the kind that waits for the answer to its last request before it asks.
        self._waiting = connection
        if self._conversation.state is State.RUNNING:
            self._send_event()

    def _send_event(self) -> None:
        connection = self._waiting
        if connection is None:
            return
        self._waiting = None
        self._delivered_to = connection
        self._answer(connection, self._event)

    def answer_later(self, connection: Connection, reply: Reply) -> None:
        """Answer a connection that waits, then what it asked meanwhile."""
        self._answer(connection, reply)
        if connection.requests or not connection.is_open:
            self._serve(connection)

    def _answer(self, connection: Connection, reply: Reply) -> None:
        connection.is_waiting = False
        connection.reply(reply)
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        if not connection.flush():
            events = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._wait_for(connection, events, lambda: self._go_on(connection))
        elif connection.is_last and not connection.is_waiting and not connection.requests:
            connection.is_open = False

    def _go_on(self, connection: Connection) -> None:
        if not connection.is_open:
            return  # dropped after the selector had named it
        if connection.flush():
            self._wait_for(connection, selectors.EVENT_READ, self._reader(connection))
        self._read(connection)

    def _wait_for(self, connection: Connection, events: int, then: Callable[[], None]) -> None:
        if not self._streams.is_paused(connection):  # else it is served when that is over
            self._selector.modify(connection, events, then)

    def _drop(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if connection is self._waiting:
            self._waiting = None
        elif connection.is_waiting:
            for route in self.routes.values():
                route.hang_up(connection)
        if (path := connection.unfinished_path) is not None:
            was_streaming = connection is self._streams.connection
            self._conversation.cut_off(path, was_streaming=was_streaming)
        if not self._streams.forget(connection):
            self._selector.unregister(connection)
        connection.close()
