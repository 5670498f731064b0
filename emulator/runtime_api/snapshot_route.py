"""Where a runtime that is to be a snapshot tells what a copy of it would lack."""

import json
from collections.abc import Callable
from typing import Final

from emulator.model.value import value
from emulator.runtime_api.connection import Connection
from emulator.runtime_api.debugger_route import VERSION
from emulator.runtime_api.rules import ACCEPTED, Reply, Request

_PATH: Final = f"{VERSION}/snapshot"


@value
class SnapshotFacts:
    """What a runtime knows of itself before its snapshot is taken."""

    threads: tuple[str, ...] = ()  # that run beside the main one, and in no copy
    obstacle: str | None = None  # why there can be no copies at all


class SnapshotRoute:
    """`POST /2026-11-22/snapshot`: ours, there is none in Lambda. The body is a JSON object."""

    def __init__(self, on_facts: Callable[[SnapshotFacts], None]) -> None:
        self._on_facts = on_facts

    def handle(self, request: Request, connection: Connection) -> Reply | None:
        """Pass the facts on."""
        facts = _facts(request.body)
        if request.method != "POST" or request.path != _PATH or facts is None:
            return Reply(status=404, body=b"")
        self._on_facts(facts)
        return Reply(status=202, body=ACCEPTED)

    def hang_up(self, connection: Connection) -> None:
        """Nobody waits here."""


def _facts(body: bytes) -> SnapshotFacts | None:
    try:
        told = json.loads(body)
        obstacle = told["obstacle"]
        return SnapshotFacts(
            threads=tuple(map(str, told["threads"])),
            obstacle=None if obstacle is None else str(obstacle),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
