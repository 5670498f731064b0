"""The Lambda API as the gateway knows it."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from emulator.api.answer import Answer
from emulator.api.invoke_async import invoke_async
from emulator.api.invoke_http import Invoker, function_in, invoke, read_body
from emulator.api.response_stream_http import (
    StreamingInvoker,
    invoke_streaming,
    streamed_function_in,
)
from emulator.control import Operation, RequestContext
from emulator.model import Clock
from emulator.model.steps import Steps
from emulator.model.web_framework import load_web_framework


class Door(Invoker, StreamingInvoker, Protocol):
    """The door to every function; `emulator.invoke.Invoker` is one."""


class LambdaApi:
    """Answers all operations by `wsgi`, and an Invoke also by the short cut `fast_invoke`.

    InvokeWithResponseStream needs no Flask either: its answer leaves bit by bit. Any thread may
    call. `_lock` guards the making of the Flask application: it needs the service model and takes
    a quarter of a second, so it is made for the first request.
    """

    def __init__(self, operations: Mapping[str, Operation], invoker: Door, clock: Clock) -> None:
        """operations: all but those that invoke, by their names in the service model."""
        self._operations = {**operations, "InvokeAsync": invoke_async(invoker)}
        self._invoker = invoker
        self._clock = clock
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer any operation.

        The environ may name account and region: `emulator.account`, `emulator.region`.
        """
        function = streamed_function_in(environ["PATH_INFO"])
        if function is not None and environ["REQUEST_METHOD"] == "POST":
            return invoke_streaming(self._invoker, self._clock, environ, function, start_response)
        app = self._app or self.warm()
        return app(environ, start_response)

    def warm(self) -> WSGIApplication:
        """Make the Flask application now, unless it is made."""
        with self._lock:
            if self._app is None:
                load_web_framework()  # late, as botocore
                from emulator.api.flask_app import make_app

                self._app = make_app(self._operations, self._invoker, self._clock)
            return self._app

    def operate(
        self, context: RequestContext, operation: str, members: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Do what a request for an operation does; raises LambdaError.

        members: in botocore's names and types.
        """
        from emulator.api.operating import operate  # late, as botocore

        return operate(self._operations, context, operation, members)

    def fast_invoke(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        """Answer a POST when it is an Invoke; None, with the body unread, leaves it to `wsgi`."""
        function = function_in(environ["PATH_INFO"])
        if function is None:
            return None
        return invoke(self._invoker, self._clock, environ, function, read_body(environ))
