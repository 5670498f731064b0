"""How many events of one function run at once."""

import pytest

from emulator.invoke.ramp import ENOUGH_PER_LOOK, FIRST_RUNNERS, MOST_RUNNERS, allowed_runners

SPARE, BUSY, UNKNOWN = True, False, None


@pytest.mark.parametrize(
    ("case", "allowed", "waiting", "finished", "stalled_looks", "spare", "expected"),
    [
        ("nothing waits", 4, 0, 0, 9, SPARE, 4),
        ("it sleeps, nothing finished yet", 4, 100, 0, 1, SPARE, 8),
        ("it sleeps, some finished", 4, 100, 3, 0, SPARE, 8),
        ("it sleeps, long queue", 512, 1, 0, 1, SPARE, 1000),
        ("never more than the account may run", 1000, 100, 0, 1, SPARE, 1000),
        ("a thousand a second are done", 4, 1990, ENOUGH_PER_LOOK, 0, SPARE, 4),
        ("it computes, some finished", 4, 100, 2, 0, BUSY, 4),
        ("it starts", 4, 100, 0, 1, BUSY, 4),
        ("it computes for long", 4, 100, 0, 49, BUSY, 4),
        ("something else keeps the processors busy", 4, 100, 0, 50, BUSY, 8),
        ("no word from the system, nothing finished", 4, 100, 0, 1, UNKNOWN, 8),
        ("no word from the system, some finished", 4, 100, 1, 0, UNKNOWN, 4),
    ],
)
def test_a_queue_gets_twice_the_runners_when_they_are_worth_their_environments(
    case: str,
    allowed: int,
    waiting: int,
    finished: int,
    stalled_looks: int,
    spare: bool | None,
    expected: int,
) -> None:
    runners = allowed_runners(
        allowed,
        waiting=waiting,
        finished=finished,
        stalled_looks=stalled_looks,
        has_spare_processors=spare,
    )
    assert runners == expected, case


def test_a_function_that_only_waits_has_a_thousand_runners_in_a_sixth_of_a_second() -> None:
    allowed, looks = FIRST_RUNNERS, 0
    while allowed < MOST_RUNNERS:
        allowed = allowed_runners(
            allowed, waiting=1000, finished=0, stalled_looks=1, has_spare_processors=True
        )
        looks += 1
    assert looks == 8
