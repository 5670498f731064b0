"""Containers of idle environments are paused: as in AWS, nothing runs between invocations."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from emulator.sandbox.docker.connection import engine_errors
from emulator.sandbox.docker.route import EngineError

Running = Callable[[], tuple[Any, Sequence[str]] | None]
"""The engine's client and the containers of an environment, while there are some."""


class ContainerSuspension:
    """By the engine's pause, which is a control group's freezer; see `Suspension`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._paused: list[str] = []

    def suspend(self, _roots: Iterable[int]) -> None:
        """Pause the containers; one that has ended is left as it is."""
        running = self._running()
        if running is not None:
            client, containers = running
            self._paused = [each for each in containers if _ask(client, "pause", each)]

    def resume(self) -> None:
        """Let them go on."""
        paused, self._paused = self._paused, []
        running = self._running()
        if running is not None:
            for container in paused:
                _ask(running[0], "unpause", container)

    def close(self) -> None:
        """Nothing is held: a paused container can be killed."""
        self._paused = []


def _ask(client: Any, what: str, container: str) -> bool:
    try:
        with engine_errors(what):
            getattr(client, what)(container)
    except EngineError:  # it has ended, or the engine has: its exit pipe tells
        return False
    return True
