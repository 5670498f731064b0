"""The console's WSGI application: health by itself, the rest by Flask when first asked for."""

import json
import threading
from collections.abc import Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from emulator.console.rooms import Rooms
from emulator.model.web_framework import load_web_framework

HEALTH: Final = frozenset({"/_emulator/health", "/_localstack/health"})


class Admin:
    """Serves `/_emulator/…`, `/_localstack/health` and `/moto-api/reset`. Any thread may call.

    `_lock` guards the making of the Flask application. `stop` ends the log streams that clients
    follow, which would otherwise hold up a stop of the server.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._flask: WSGIApplication | None = None
        self._stopping = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] in HEALTH and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._health(start_response)
        return (self._flask or self._make_flask())(environ, start_response)

    def stop(self) -> None:
        """End what never ends by itself."""
        self._stopping.set()

    def _health(self, start_response: StartResponse) -> Iterable[bytes]:
        document = {
            "status": "running",
            "version": self._rooms.version,
            "functions": len(self._rooms.functions()),
            "services": dict(self._rooms.services()),
        }
        body = json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    def _make_flask(self) -> WSGIApplication:
        load_web_framework()  # not before somebody asks
        from emulator.console.views import make_app

        with self._lock:
            if self._flask is None:
                self._flask = make_app(self._rooms, self._stopping).wsgi_app
            return self._flask
