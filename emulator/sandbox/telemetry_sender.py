"""Delivers telemetry to the extensions of all environments, on one thread."""

import contextlib
import selectors
import socket
import threading
import time

from emulator.sandbox.telemetry_delivery import Delivery, delivery_to
from emulator.sandbox.telemetry_subscriber import Subscriber


class TelemetrySender:
    """The thread "telemetry", from the first subscription on. Any thread may call.

    `_lock` guards the fields below it; what is below those belongs to the thread. It sleeps until
    a subscriber is to be looked at, a socket is ready or the next batch is due.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: set[Subscriber] = set()
        self._thread: threading.Thread | None = None
        self._is_stopping = False
        self._selector: selectors.BaseSelector | None = None
        self._deliveries: dict[Subscriber, Delivery] = {}
        self._due_s: dict[Subscriber, float] = {}

    def look_at(self, subscriber: Subscriber) -> None:
        """Say that something has changed for a subscriber."""
        with self._lock:
            if self._is_stopping:
                return
            is_first = not self._changed
            self._changed.add(subscriber)
            if self._thread is None:
                self._start()
            elif is_first:
                self._wake()

    def stop(self) -> None:
        """End the thread; what is not delivered is lost, and so is who it was for."""
        with self._lock:
            self._is_stopping = True
            thread = self._thread
            if thread is not None:
                self._wake()
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        try:
            self._bell, self._ear = socket.socketpair()
        except OSError:  # no descriptor is left: the next one who has something tries again
            return
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is woken anyhow
            self._bell.send(b"\0")

    # On the thread.

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._bell, self._ear:
            self._selector = selector
            selector.register(self._ear, selectors.EVENT_READ, self._hear)
            while not self._is_stopping:
                self._look_around()
                for key, _ in selector.select(self._sleep_s()):
                    key.data()
            for delivery in self._deliveries.values():
                delivery.close()

    def _hear(self) -> None:
        self._ear.recv(4096)

    def _sleep_s(self) -> float | None:
        if not self._due_s:
            return None
        return max(min(self._due_s.values()) - time.monotonic(), 0.0)

    def _look_around(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            changed, self._changed = self._changed, set()
        for subscriber in changed | {each for each, due_s in self._due_s.items() if due_s <= now_s}:
            self._advance(subscriber)

    def _advance(self, subscriber: Subscriber) -> None:
        self._due_s.pop(subscriber, None)
        if subscriber.is_closed:
            delivery = self._deliveries.pop(subscriber, None)
            if delivery is not None:
                delivery.close()
            return
        todo = subscriber.begin(time.monotonic())
        if isinstance(todo, list):
            self._delivery(subscriber).send(todo)
        elif todo is not None:
            self._due_s[subscriber] = todo

    def _delivery(self, subscriber: Subscriber) -> Delivery:
        delivery = self._deliveries.get(subscriber)
        if delivery is None:
            assert self._selector is not None

            def ended(ok: bool) -> None:
                subscriber.end(time.monotonic(), ok=ok)
                self._advance(subscriber)

            where = subscriber.subscription.destination
            delivery = self._deliveries[subscriber] = delivery_to(where, self._selector, ended)
        return delivery
