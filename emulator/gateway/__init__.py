"""Which request goes to which application, and the serving loop."""

from emulator.gateway.hosts import HostKind, Hosts
from emulator.gateway.router import Answer, Router
from emulator.gateway.serving import ListenError, Server, serve

__all__ = [
    "Answer",
    "HostKind",
    "Hosts",
    "ListenError",
    "Router",
    "Server",
    "serve",
]
