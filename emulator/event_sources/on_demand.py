"""The event sources, made when the first of them is needed."""

import threading
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.event_sources.source import Surroundings
from emulator.model.triggers import Trigger
from emulator.model.triggers.nats import DOCUMENTS, NatsTrigger

if TYPE_CHECKING:
    from emulator.event_sources.nats import NatsEvents
    from emulator.event_sources.sources import EventSources

_MAKING = "event sources"  # the kind of activity


class SourcesOnDemand:
    """Keeps a quarter of a second of imports out of a start that needs no event source.

    They are made before a service of moto loads, so no fact is missed; at the first mapping or
    request to an API; or, where the project has triggers, on the thread "event-sources" once the
    emulator answers. Any thread may call. `_lock` is held while they are made: whoever needs them
    meanwhile waits.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lock = threading.RLock()
        self._sources: EventSources | None = None
        self._is_making = False
        self._is_started = False
        self._bound: list[tuple[Trigger, str]] = []  # to be bound when they are made
        surroundings.moto.before_first_load(self.ensure)
        surroundings.mappings.subscribe(lambda _: self.ensure())

    def ensure(self) -> None:
        """Have them made."""
        if self._sources is None:
            self._make()

    def start(self) -> None:
        """Have them begin; the emulator answers already."""
        self._is_started = True
        around = self._surroundings
        if self._listens_outside():
            self.ensure()  # now: who finds the port open finds us at the NATS server, too
        elif self._bound or around.mappings.all():
            around.activity.begin(_MAKING)
            threading.Thread(target=self._make_later, name="event-sources", daemon=True).start()

    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Have what a project's trigger names invoke a function."""
        with self._lock:
            if self._is_started:
                self._made().bind(trigger, function_arn)
            else:
                self._bound.append((trigger, function_arn))

    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take back a `bind` with the same arguments."""
        self._made().unbind(trigger, function_arn)

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request to an API or a load balancer (PEP 3333)."""
        return self._made().front_ends.wsgi(environ, start_response)

    def allows_origin(self, environ: WSGIEnvironment, origin: str) -> bool:
        """Whether the CORS rules of the API that is asked let in pages of `origin`."""
        return self._made().front_ends.allows_origin(environ, origin)

    def nats(self) -> "NatsEvents":
        """NATS, whose bindings are shown and changed by command."""
        return self._made().nats

    def reset(self) -> None:
        """Have every source forget everything."""
        if self._sources is not None:
            self._sources.reset()

    def catch_up(self) -> None:
        """Have every source begin what was handed to it before the call."""
        if self._sources is not None:
            self._sources.catch_up()

    def stop(self, grace_s: float) -> None:
        """End what the sources run; wait up to `grace_s` for it, all in all."""
        with self._lock:
            if self._sources is None:
                self._surroundings.alarms.stop()
                return
        self._sources.stop(grace_s)

    def _listens_outside(self) -> bool:
        is_declared = any(isinstance(trigger, NatsTrigger) for trigger, _ in self._bound)
        return is_declared or bool(self._surroundings.documents.all(DOCUMENTS))

    def _made(self) -> "EventSources":
        self.ensure()
        assert self._sources is not None
        return self._sources

    def _make_later(self) -> None:
        try:
            self.ensure()
        except Exception:  # noqa: BLE001  # a bug of ours: show it; who needs them tries again
            self._surroundings.reporter.event(
                "event_sources.failed", traceback=traceback.format_exc()
            )
        finally:
            self._surroundings.activity.end(_MAKING)

    def _make(self) -> None:
        with self._lock:
            if self._sources is not None or self._is_making:  # what is made may load a service
                return
            self._is_making = True
            try:
                self._sources = self._with_bindings()
            finally:
                self._is_making = False

    def _with_bindings(self) -> "EventSources":
        from emulator.event_sources.sources import EventSources

        made = EventSources(self._surroundings)
        if self._is_started:
            made.start()
        while self._bound:
            made.bind(*self._bound.pop(0))
        return made
