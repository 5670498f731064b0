"""Which request goes to which application, and the serving loop."""

from emulator.gateway.serving import ListenError, Server, serve

__all__ = ["ListenError", "Server", "serve"]
