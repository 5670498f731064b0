"""Hands events to the extensions that wait for them."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.model import FunctionVersion
from emulator.runtime_api.connection import Connection
from emulator.runtime_api.extension_states import ExtensionSignal
from emulator.runtime_api.extensions import Extension, Extensions, event_reply
from emulator.runtime_api.rules import Reply, Request

AnswerLater = Callable[[Connection, Reply], None]


class ExtensionDesk:
    """The Extensions API of one environment: the rules, and the connections that wait.

    Used by one thread at a time, as the endpoint it belongs to.
    """

    def __init__(self, answer_later: AnswerLater, version: FunctionVersion | None) -> None:
        self._answer_later = answer_later
        self.rules = Extensions(version)
        self._waiting: dict[str, Connection] = {}  # by identifier of the extension
        self._missed: dict[str, Reply] = {}  # events of those that did not wait just then

    def restart(self) -> None:
        """Forget the processes that are gone, and what they registered."""
        self.rules.restart()
        self._waiting.clear()
        self._missed.clear()

    def handle(self, request: Request, connection: Connection) -> Reply | None:
        """Answer one request; None: its connection waits for the extension's next event."""
        reply = self.rules.handle(request)
        if reply is None:
            extension = self.rules.identify(request)
            assert isinstance(extension, Extension)
            missed = self._missed.pop(extension.identifier, None)
            if missed is not None:
                extension.step(ExtensionSignal.EVENT)
                return missed
            self._waiting[extension.identifier] = connection
        return reply

    def send(self, subscribed: str, event: Mapping[str, Any]) -> None:
        """Hand an event to each subscriber, or keep it until that one asks."""
        for extension in self.rules.subscribers(subscribed):
            connection = self._waiting.pop(extension.identifier, None)
            if connection is None:
                self._missed[extension.identifier] = event_reply(event)
            else:
                extension.step(ExtensionSignal.EVENT)
                self._answer_later(connection, event_reply(event))

    def hang_up(self, connection: Connection) -> None:
        """Take note of an extension that does not wait any more, and did not get an event."""
        for identifier, waiting in list(self._waiting.items()):
            if waiting is connection:
                del self._waiting[identifier]
                self.rules.registered[identifier].step(ExtensionSignal.HANG_UP)
