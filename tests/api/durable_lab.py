"""Durable executions of a lab whose functions never run."""

import io
from collections.abc import Callable
from functools import cache
from typing import Any

from emulator.control import FunctionStore
from emulator.durable import DurableOnDemand, Surroundings
from emulator.model import Clock, DestinationMessage
from emulator.observe import Activity, Metrics, Reporter
from emulator.storage import Documents


class NoAlarm:
    """Never rings."""

    def cancel(self) -> None:
        pass


class Nowhere:
    """Takes every message."""

    def send(self, message: DestinationMessage) -> None:
        pass


def set_no_alarm(_due_s: float, _ring: Callable[[], None]) -> NoAlarm:
    return NoAlarm()


def durable_executions(store: FunctionStore, clock: Clock) -> DurableOnDemand:
    around = Surroundings(
        functions=store,
        documents=Documents(),
        destinations=Nowhere(),
        set_alarm=set_no_alarm,
        activity=Activity(clock),
        metrics=Metrics(clock),
        reporter=_reporter(),
        clock=clock,
    )
    durable = DurableOnDemand(around, store)
    durable.serve(_refuse, _refuse)
    return durable


@cache
def _reporter() -> Reporter:
    """One for all labs, as each has a thread."""
    return Reporter(io.StringIO(), "json")


def _refuse(*_: object) -> Any:
    raise AssertionError("no function runs here")
