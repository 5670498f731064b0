"""Containers of idle environments are paused: as in AWS, nothing runs between invocations."""

from collections.abc import Callable, Iterable
from typing import Any

from emulator.sandbox.docker.connection import engine_errors
from emulator.sandbox.docker.route import EngineError

Running = Callable[[], tuple[Any, str] | None]
"""The engine's client and the container, while there is one."""


class ContainerSuspension:
    """By the engine's pause, which is a control group's freezer; see `Suspension`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._is_paused = False

    def suspend(self, _roots: Iterable[int]) -> None:
        """Pause the container; a container that has ended is left as it is."""
        self._is_paused = self._ask("pause")

    def resume(self) -> None:
        """Let it go on."""
        if self._is_paused:
            self._is_paused = False
            self._ask("unpause")

    def close(self) -> None:
        """Nothing is held: a paused container can be killed."""
        self._is_paused = False

    def _ask(self, what: str) -> bool:
        running = self._running()
        if running is None:
            return False
        client, container = running
        try:
            with engine_errors(what):
                getattr(client, what)(container)
        except EngineError:  # it has ended, or the engine has: its exit pipe tells
            return False
        return True
