from typing import Any

import pytest

from emulator.model.triggers.nats import NatsBinding, NatsTrigger
from tests.console.console_lab import Emulator, function


def test_a_subject_is_bound_by_the_nats_page_and_shown_there(emulator: Emulator) -> None:
    emulator.functions.append(function("hello"))
    body = {"subject": "a.*", "function": "hello", "stream": "A", "max_deliver": 3}
    bound = {
        "subject": "a.*",
        "stream": "A",
        "max_deliver": 3,
        "function": "hello",
        "function_arn": function("hello").arn,
        "declared": False,
        "state": "listening",
    }
    assert emulator.post("/_emulator/nats", body).json == {"new": True, **bound}
    assert emulator.post("/_emulator/nats", body).json == {"new": False, **bound}
    assert emulator.get("/_emulator/nats").json == {
        "url": "nats://h:1",
        "connected": True,
        "dropped": 2,
        "bindings": [bound],
    }
    answer = emulator.delete("/_emulator/nats?subject=a.*&function=hello")
    assert answer.json == {"removed": [bound]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"subject": "a"}, 'parameter "function" is missing'),
        ({"subject": "a", "function": "helo"}, 'function "helo" is not registered (have: hello)'),
        ({"function": "hello"}, 'subject: "" is not a subject like orders.new'),
        ({"subject": "a..b", "function": "hello"}, 'subject: "a..b" is not a subject'),
        ({"subject": "a", "function": "hello", "max_deliver": 2}, "max_deliver: needs a stream"),
        ({"subject": "a", "function": "hello", "group": "g"}, 'unknown parameter "group"'),
    ],
)
def test_a_binding_that_makes_no_sense_is_refused(
    emulator: Emulator, body: dict[str, Any], message: str
) -> None:
    emulator.functions.append(function("hello"))
    answer = emulator.post("/_emulator/nats", body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].startswith(message)
    assert emulator.nats.bindings == []


def test_what_is_not_bound_and_what_the_project_declares_is_not_unbound(
    emulator: Emulator,
) -> None:
    assert emulator.delete("/_emulator/nats?subject=a&function=hello").status_code == 404
    declared = NatsBinding(
        trigger=NatsTrigger(subject="a"), function_arn=function("hello").arn, is_declared=True
    )
    emulator.nats.bindings.append(declared)
    answer = emulator.delete("/_emulator/nats?subject=a&function=hello")
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["message"].endswith("by emulator.toml: take the trigger out there")
