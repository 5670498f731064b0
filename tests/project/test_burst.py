import pytest

from emulator.project.burst import LONGEST_QUIET_S, PATIENCE_S, QUIET_S, Burst


def burst(*changes: tuple[float, str, bool]) -> Burst:
    made = Burst(changes[0][0])
    for at_s, path, is_unfinished in changes:
        made.note(path, at_s, is_unfinished=is_unfinished)
    return made


CASES = [
    ("one file", burst((0, "a", False)), QUIET_S),
    ("one file, twice", burst((0, "a", False), (0.001, "a", False)), 0.001 + QUIET_S),
    (
        "three files",
        burst((0, "a", False), (0, "b", False), (0.002, "c", False)),
        0.002 + 3 * QUIET_S,
    ),
    ("hundreds", burst(*((0.0, str(n), False) for n in range(300))), LONGEST_QUIET_S),
    ("half a file", burst((0, "a", True)), LONGEST_QUIET_S),
    ("a whole file", burst((0, "a", True), (0.001, "a", False)), 0.001 + QUIET_S),
    ("one of two is whole", burst((0, "a", True), (0, "b", False)), LONGEST_QUIET_S),
    ("no end of it", burst(*((n / 10, "a", False) for n in range(100))), PATIENCE_S),
]


@pytest.mark.parametrize(("what", "made", "due_s"), CASES, ids=[what for what, _, _ in CASES])
def test_a_burst_is_over_after_a_quiet_time_that_grows_with_it(
    what: str, made: Burst, due_s: float
) -> None:
    assert made.due_s == pytest.approx(due_s)
