from dataclasses import replace

import pytest

from emulator.event_sources import Surroundings, mappings
from emulator.event_sources.mappings import Mappings
from emulator.model.mapping import EventSourceMapping

MAPPING = EventSourceMapping(
    uuid="11111111-1111-1111-1111-111111111111",
    account="000000000000",
    region="us-east-1",
    source_arn="arn:aws:sqs:us-east-1:000000000000:q",
    function_arn="arn:aws:lambda:us-east-1:000000000000:function:f",
    batch_size=10,
)


class FakePoller:
    def __init__(self, mapping: EventSourceMapping, heard: list[str]) -> None:
        self.heard = heard
        self.result: str | None = None
        self.heard.append(f"start {mapping.batch_size}")

    def update(self, mapping: EventSourceMapping) -> None:
        self.heard.append(f"update {mapping.batch_size}")

    def stop(self, grace_s: float) -> None:
        self.heard.append(f"stop {grace_s > 0}")

    @property
    def last_result(self) -> str | None:
        return self.result


class FakePollers:
    heard: list[str]

    def __init__(self, around: Surroundings) -> None:
        self.made: list[FakePoller] = []

    def start(self, mapping: EventSourceMapping) -> FakePoller:
        self.made.append(FakePoller(mapping, self.heard))
        return self.made[-1]

    def reset(self) -> None:
        self.heard.append("reset")

    def stop(self, grace_s: float) -> None:
        self.heard.append("stop all")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(mappings, "POLLERS", {"sqs": FakePollers})
    FakePollers.heard = []
    return FakePollers.heard


def test_a_poller_lives_as_long_as_its_mapping_is_enabled(
    surroundings: Surroundings, heard: list[str]
) -> None:
    store = surroundings.mappings
    store.declare(MAPPING)
    source = Mappings(surroundings)  # finds what was there before
    store.declare(replace(MAPPING, batch_size=5))
    source._pollers[MAPPING.uuid].result = "OK"  # type: ignore[attr-defined]  # a FakePoller
    store.declare(replace(MAPPING, is_enabled=False))
    assert store.last_result(MAPPING.uuid) == "OK"
    store.declare(MAPPING)
    store.withdraw(MAPPING.uuid)
    assert store.last_result(MAPPING.uuid) is None
    store.declare(MAPPING)
    source.reset()
    source.stop(1.0)
    store.declare(replace(MAPPING, batch_size=7))
    store.withdraw(MAPPING.uuid)
    assert heard == [
        *("start 10", "update 5", "stop False"),
        *("start 10", "stop False"),
        *("start 10", "reset", "stop False", "stop True", "stop all"),
    ]
