"""Where the runtime of a debugged function tells that its debugger listens."""

from collections.abc import Callable
from typing import Final

from emulator.runtime_api.connection import Connection
from emulator.runtime_api.rules import ACCEPTED, Reply, Request

VERSION: Final = "/2026-11-22"
_PATH: Final = f"{VERSION}/debugger"


class DebuggerRoute:
    """`POST /2026-11-22/debugger`: ours, there is none in Lambda.

    The body is the port and, behind a blank, where the runtime sees the function's code.
    """

    def __init__(self, on_listening: Callable[[int, str], None]) -> None:
        self._on_listening = on_listening

    def handle(self, request: Request, connection: Connection) -> Reply | None:
        """Pass the port on."""
        port, _, task_root = request.body.decode("utf-8", "replace").partition(" ")
        if request.method != "POST" or request.path != _PATH or not port.isdecimal():
            return Reply(status=404, body=b"")
        self._on_listening(int(port), task_root)
        return Reply(status=202, body=ACCEPTED)

    def hang_up(self, connection: Connection) -> None:
        """Nobody waits here."""
