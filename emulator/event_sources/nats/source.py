"""NATS: which subject invokes which function."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from emulator.event_sources.nats.connection import Connection
from emulator.event_sources.nats.core import CoreSubscription
from emulator.event_sources.nats.desk import Desk
from emulator.event_sources.nats.stream_consumer import StreamConsumer
from emulator.event_sources.nats.under_way import UnderWay
from emulator.event_sources.source import EventSource, Surroundings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model.triggers import Trigger
from emulator.model.triggers.nats import (
    DOCUMENTS,
    NatsBinding,
    NatsStatus,
    NatsTrigger,
    as_document,
    shown_url,
)

_WAIT_S: Final = 2.0  # for the server, when something is bound or settled
_JOIN_S: Final = 1.0

_Key = tuple[NatsTrigger, str]  # with the ARN of the function


@dataclass(slots=True)
class _Bound:
    is_declared: bool  # by emulator.toml
    link: CoreSubscription | StreamConsumer | None = None  # None: not started yet


class NatsEvents(EventSource):
    """Bindings of subjects to functions, and the connection that serves them.

    Any thread may call. `_lock` guards the bindings and the making of the connection, which is
    made with the first binding; it is not held while somebody waits for the server. What runs
    where: `Connection`.
    """

    trigger = NatsTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lock = threading.Lock()
        self._bound: dict[_Key, _Bound] = {}
        self._desk: Desk | None = None
        self._is_started = False
        for document in around.documents.all(DOCUMENTS).values():
            self._bound[NatsTrigger(**document["trigger"]), document["function"]] = _Bound(False)

    @override
    def start(self) -> None:
        with self._lock:
            self._is_started = True
            bound = list(self._bound)
        for trigger, function_arn in bound:
            self._link(trigger, function_arn)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Subscribe as the project says; returns when the server knows, if there is one."""
        assert isinstance(trigger, NatsTrigger)
        self._bind(trigger, function_arn, is_declared=True)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take it back; a durable consumer stays at the server."""
        assert isinstance(trigger, NatsTrigger)
        self._unbind((trigger, function_arn))

    def add(self, trigger: NatsTrigger, function_arn: str) -> bool:
        """Bind by command, so that it outlives the process; returns whether it is new.

        Raises StorageError, and then it is not bound.
        """
        document = {"trigger": as_document(trigger), "function": function_arn}
        self.around.documents.put(DOCUMENTS, _document_key(trigger, function_arn), document)
        return self._bind(trigger, function_arn, is_declared=False)

    def remove(self, subject: str, function: str) -> list[NatsBinding]:
        """Unbind by command: all that `add` bound; returns what the subject had, declared or not.

        function: a name; the function itself may be gone. What emulator.toml declares stays: it
        would be back at the next start.
        """
        found = [
            binding
            for binding in self.status().bindings
            if binding.trigger.subject == subject
            and binding.function_arn.rpartition(":")[2] == function
        ]
        for binding in found:
            if not binding.is_declared:
                key = (binding.trigger, binding.function_arn)
                self.around.documents.delete(DOCUMENTS, _document_key(*key))
                self._unbind(key)
        return found

    def status(self) -> NatsStatus:
        """The server and all bindings, by subject."""
        with self._lock:
            bound, desk = dict(self._bound), self._desk
        is_connected = desk is not None and desk.connection.is_connected
        bindings = [
            NatsBinding(
                trigger=trigger,
                function_arn=function_arn,
                is_declared=each.is_declared,
                state=_state(each, is_connected=is_connected),
            )
            for (trigger, function_arn), each in bound.items()
        ]
        return NatsStatus(
            url=shown_url(self.around.nats_url),
            is_connected=is_connected,
            dropped=0 if desk is None else desk.connection.dropped,
            bindings=tuple(sorted(bindings, key=lambda each: each.trigger.subject)),
        )

    @override
    def catch_up(self) -> None:
        if (desk := self._desk) is not None:
            with suppress(TimeoutError):
                desk.connection.call(desk.connection.catch_up(), _WAIT_S)

    @override
    def reset(self) -> None:
        with self._lock:
            bound = list(self._bound)
        for key in bound:
            self._unbind(key)

    @override
    def stop(self, grace_s: float) -> None:
        with self._lock:
            desk, self._desk, self._is_started = self._desk, None, False
        if desk is None:
            return
        with suppress(TimeoutError):
            desk.connection.call(desk.connection.remove_all(), _WAIT_S)
        desk.under_way.wait_none(grace_s)
        desk.connection.stop()
        desk.threads.stop(_JOIN_S)

    def _bind(self, trigger: NatsTrigger, function_arn: str, *, is_declared: bool) -> bool:
        with self._lock:
            if (known := self._bound.get((trigger, function_arn))) is not None:
                known.is_declared = known.is_declared or is_declared
                return False
            self._bound[trigger, function_arn] = _Bound(is_declared)
            is_started = self._is_started
        if is_started:
            self._link(trigger, function_arn)
        return True

    def _unbind(self, key: _Key) -> None:
        with self._lock:
            bound, desk = self._bound.pop(key, None), self._desk
        if bound is not None and bound.link is not None and desk is not None:
            with suppress(TimeoutError):
                desk.connection.call(desk.connection.remove(bound.link), _WAIT_S)

    def _link(self, trigger: NatsTrigger, function_arn: str) -> None:
        with self._lock:
            bound = self._bound.get((trigger, function_arn))
            if bound is None or bound.link is not None or not self._is_started:
                return
            desk = self._desk = self._desk or self._make_desk()
            make = StreamConsumer if trigger.stream else CoreSubscription
            link = bound.link = make(trigger, function_arn, desk)
        with suppress(TimeoutError):
            desk.connection.call(desk.connection.add(link), _WAIT_S)
        desk.connection.wait_attempted(_WAIT_S)

    def _make_desk(self) -> Desk:
        return Desk(
            around=self.around,
            connection=Connection(self.around.nats_url, self.around.reporter),
            threads=RunnerThreads("nats-runner"),
            under_way=UnderWay(self.around.activity),
        )


def _state(bound: _Bound, *, is_connected: bool) -> str:
    if not is_connected:
        return "waiting for the server"
    return getattr(bound.link, "problem", None) or "listening"


def _document_key(trigger: NatsTrigger, function_arn: str) -> str:
    fields = (f"{name}={value}" for name, value in as_document(trigger).items())
    return " ".join((function_arn, *fields))
