"""Where this emulator answers, for the services that tell it in their answers."""

from collections.abc import Callable
from dataclasses import dataclass


def _no_listener() -> int:
    raise NotImplementedError("nothing listens for WebSocket clients")


@dataclass
class Addresses:
    """Set once by whoever listens, before the first request; any thread may read."""

    host: str = "127.0.0.1"  # the one listened on
    port: int = 4566
    open_websockets: Callable[[], int] = _no_listener  # listens, if need be; returns the port

    @property
    def endpoint(self) -> str:
        """The emulator itself, for a client on this machine."""
        return f"http://127.0.0.1:{self.port}"

    def of_api(self, api_id: str, protocol: str) -> str:
        """The address of an HTTP or WebSocket API."""
        if protocol == "WEBSOCKET":
            return f"ws://{api_id}.execute-api.localhost:{self.open_websockets()}"
        return f"http://{api_id}.execute-api.localhost:{self.port}"
