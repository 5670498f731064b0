"""Who is lent which environment, and when another one is started."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from emulator.model.steps import Steps
from emulator.sandbox.environment import Environment
from emulator.sandbox.pool import CROWD, EnvironmentPool


class Pool(EnvironmentPool):
    """One whose starts have their turn when the test says so."""

    def __init__(self) -> None:
        self.made: list[Environment] = []
        self.starts: list[Callable[[], None]] = []
        super().__init__(self._make, lambda _: None, self.starts.append)

    def _make(self) -> Environment:
        rest = SimpleNamespace(begin=lambda _now: True, is_idle=True)
        environment = SimpleNamespace(
            initialise=lambda: None, rest=rest, is_provisioned=False, is_warm=True, is_kept=False
        )
        self.made.append(cast(Environment, environment))
        return self.made[-1]

    def start_one(self) -> None:
        self.starts.pop(0)()


def call_until_another_starts(pool: Pool) -> Steps[Environment]:
    """Have a caller wait for whichever is first."""
    call = pool.lend()
    starts = len(pool.starts)
    while len(pool.starts) == starts:
        next(call)
    return call


def lent(call: Steps[Environment]) -> Environment:
    with pytest.raises(StopIteration) as end:
        next(call)
    return cast(Environment, end.value.value)


def test_a_start_that_comes_to_its_turn_when_nobody_waits_any_more_is_given_up() -> None:
    pool = Pool()
    first = call_until_another_starts(pool)
    pool.start_one()
    environment = lent(first)
    calls = [call_until_another_starts(pool) for _ in range(2)]
    pool.give_back(environment, 1.0)
    assert lent(calls[0]) is environment
    pool.start_one()  # in vain: one is enough for the one who waits
    assert len(pool.made) == 1
    pool.start_one()
    assert lent(calls[1]) is pool.made[1]
    assert len(pool.made) == 2


def test_a_start_that_was_given_up_is_not_missed_by_the_next_caller() -> None:
    pool = Pool()
    first = call_until_another_starts(pool)
    pool.start_one()
    environment = lent(first)
    second = call_until_another_starts(pool)
    pool.give_back(environment, 1.0)
    assert lent(second) is environment
    pool.start_one()
    assert len(pool.made) == 1
    third = call_until_another_starts(pool)
    pool.start_one()
    assert lent(third) is pool.made[1]


def test_what_a_crowd_has_left_behind_goes_before_what_the_processors_can_use() -> None:
    pool = Pool()
    calls = [call_until_another_starts(pool) for _ in range(CROWD + 2)]
    for _ in calls:
        pool.start_one()
    environments = [lent(call) for call in calls]
    for environment in environments:
        pool.give_back(environment, 1.0)
    assert pool.take_unused(since_s=0.0, crowd_since_s=0.0) == []
    soon = environments[-1].idle_since_s + 1.0
    assert pool.take_unused(since_s=0.0, crowd_since_s=soon) == environments[:2]
    assert pool.take_unused(since_s=soon, crowd_since_s=soon) == environments[2:]
