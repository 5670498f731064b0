"""A source on a real server, with a clock of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emulator.event_sources import Surroundings
from emulator.event_sources.nats import NatsEvents
from emulator.model import Call
from emulator.model.triggers.nats import NatsTrigger
from tests.nats_server import (
    NatsClient,
    NatsServer,
)

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


class Lab:
    """A source on a real server, with a clock of its own."""

    def __init__(self, server: NatsServer, client: NatsClient, around: Surroundings) -> None:
        self.server, self.client = server, client
        self.around = around
        self.invoker = around.invoker
        self.clock, self.activity = around.clock, around.activity
        self.source = NatsEvents(around)

    def settle(self) -> None:
        self.source.catch_up()
        assert self.activity.wait_idle(10), self.activity.pending()

    def bind(self, subject: str, function: str = "f", **options: Any) -> NatsTrigger:
        consumer = {"consumer": function} if "stream" in options else {}
        trigger = NatsTrigger(subject=subject, **consumer | options)
        self.source.bind(trigger, ARN + function)
        return trigger


@contextmanager
def started(nats: tuple[NatsServer, NatsClient], around: Surroundings) -> Iterator[Lab]:
    lab = Lab(*nats, around)
    lab.source.start()
    yield lab
    lab.around.alarms.stop()
    lab.source.stop(5)
    assert [one.name for one in threading.enumerate() if one.name.startswith("nats-r")] == []


def context(call: Call) -> dict[str, Any]:
    assert call.client_context is not None
    nats: dict[str, Any] = json.loads(call.client_context)["custom"]["nats"]
    return nats
