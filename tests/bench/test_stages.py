"""Where the time of an invocation goes."""

from benchmarks.emulator_process import running
from benchmarks.stages import FUNCTION, STAGES, split, stages


def test_a_call_is_split_at_the_readings_of_both_sides() -> None:
    record = {
        "accepted_at": 101.0,
        "started_at": 103.0,
        "response": {"started": 106.0},
        "finished_at": 110.0,
    }
    assert split(100.0, record, 115.0) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_stages_of_a_real_invocation_are_told_in_order() -> None:
    with running([FUNCTION]) as emulator:
        emulator.api.warm(FUNCTION)
        told = stages(emulator.api, b"{}", 5)
    assert tuple(stage.name for stage in told) == STAGES
    assert 0 < sum(stage.seconds for stage in told) < 5
