"""Takes a streamed response off its connection, no faster than its reader takes it."""

import selectors
from collections.abc import Callable

from emulator.runtime_api.connection import Connection
from emulator.runtime_api.response_stream import OpenBody, ResponseSink, ResponseStream
from emulator.runtime_api.rules import Conversation, Request


class StreamReceiver:
    """The streamed response of the current invocation; used by the endpoint's thread.

    While the sink is full the connection is not read: the runtime's socket fills up, and the
    function waits. The selector waits for the sink then, in the place of the connection.
    """

    def __init__(
        self, selector: selectors.BaseSelector, read: Callable[[Connection], None]
    ) -> None:
        self.sink: ResponseSink | None = None  # of the current invocation
        self.connection: Connection | None = None  # it is being streamed on
        self._selector = selector
        self._read = read
        self._stream: ResponseStream | None = None
        self._paused_for: ResponseSink | None = None

    def take(self, connection: Connection, conversation: Conversation) -> bool:
        """Take what came of the oldest request of `connection`; False: more is to come."""
        request = connection.requests[0]
        body = request.open_body
        assert body is not None
        if not body.is_begun:
            self._begin(connection, request, body, conversation)
        if body.refusal is None:
            self._pass_on(connection, body, conversation)
        body.pieces.clear()  # of a refused response
        if body.trailers is None:
            return False
        if body.refusal is None:
            assert self._stream is not None
            connection.reply(conversation.end(self._stream, body.trailers))
        else:
            connection.reply(body.refusal)
        if connection is self.connection:
            if self._end_pause() is not None:
                self._listen(connection)
            self.connection = self._stream = None
        connection.requests.popleft()
        return True

    def is_paused(self, connection: Connection) -> bool:
        """Tell whether the selector waits for the sink in the place of `connection`."""
        return self._paused_for is not None and connection is self.connection

    def forget(self, connection: Connection) -> bool:
        """Hear that `connection` is gone; True when the selector did not know it any more."""
        if connection is not self.connection:
            return False
        self.connection = self._stream = None
        return self._end_pause() is not None

    def forget_reader(self) -> None:
        """Throw away what still comes: the sink's owner may close it from now on."""
        is_paused = self._end_pause() is not None
        if is_paused and self.connection is not None:
            self._listen(self.connection)
        if self._stream is not None:
            self._stream.forget_reader()
        self.sink = None

    def _begin(
        self, connection: Connection, request: Request, body: OpenBody, conversation: Conversation
    ) -> None:
        body.is_begun = True
        body.refusal = conversation.begin(request)
        if body.refusal is None:
            self.connection = connection
            self._stream = ResponseStream(self.sink, request.headers.get("content-type"))

    def _pass_on(self, connection: Connection, body: OpenBody, conversation: Conversation) -> None:
        stream = self._stream
        assert stream is not None
        has_room = True
        while body.pieces:
            has_room = stream.write(body.pieces.popleft())
        if stream.is_too_large:
            body.refusal = conversation.overflow(stream)
        elif not has_room and body.trailers is None:
            self._pause(connection)

    def _pause(self, connection: Connection) -> None:
        if self._paused_for is None and self.sink is not None:
            self._paused_for = self.sink
            self._selector.unregister(connection)
            self._selector.register(self.sink, selectors.EVENT_READ, self._resume)

    def _resume(self) -> None:
        connection = self.connection
        sink = self._end_pause()
        assert connection is not None
        assert sink is not None
        sink.resume()
        self._listen(connection)
        self._read(connection)

    def _listen(self, connection: Connection) -> None:
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def _end_pause(self) -> ResponseSink | None:
        sink, self._paused_for = self._paused_for, None
        if sink is not None:
            self._selector.unregister(sink)
        return sink
