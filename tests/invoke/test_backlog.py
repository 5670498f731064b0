"""How queued events are sorted for those who look at them."""

import pytest

from emulator.invoke import Backlog, FunctionBacklog
from emulator.invoke.backlog import by_function
from emulator.invoke.event_queue import QueuedEvent
from emulator.model import Call

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def event(name: str, accepted_s: float, attempts: int = 0) -> QueuedEvent:
    return QueuedEvent(
        request_id="1",
        call=Call(account="", region="", function=name, payload=b""),
        function_arn=ARN + name,
        trace_header="",
        accepted_at=0.0,
        accepted_s=accepted_s,
        attempts=attempts,
    )


def test_events_are_counted_by_function() -> None:
    events = [event("b", 10.0), event("a", 40.0, 2), event("b", 90.0, 1)]
    later = [(150.0, ARN + "b"), (130.0, ARN + "b"), (99.0, ARN + "a")]
    a, b = by_function(events, later, {ARN + "b": 1, ARN + "gone": 1}, 100.0)
    assert a == FunctionBacklog(
        function_arn=ARN + "a", depth=1, running=0, attempts=2, oldest_age_s=60.0, next_due_s=0.0
    )
    assert b == FunctionBacklog(
        function_arn=ARN + "b", depth=2, running=1, attempts=1, oldest_age_s=90.0, next_due_s=30.0
    )


def test_all_functions_together() -> None:
    events = [event("a", 10.0), event("b", 40.0), event("c", 50.0)]
    functions = by_function(events, [(130.0, ARN + "b"), (120.0, ARN + "c")], {ARN + "a": 1}, 100.0)
    backlog = Backlog(functions=functions)
    assert (backlog.depth, backlog.running) == (3, 1)
    assert backlog.oldest_age_s == 90.0
    assert backlog.next_due_s == pytest.approx(20.0)


def test_nothing_at_all() -> None:
    backlog = Backlog(functions=by_function([], [], {}, 100.0))
    assert (backlog.depth, backlog.oldest_age_s, backlog.next_due_s) == (0, None, None)
