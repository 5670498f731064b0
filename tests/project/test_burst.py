import pytest

from emulator.project.burst import (
    GONE_QUIET_S,
    LONGEST_QUIET_S,
    OPEN_QUIET_S,
    PATIENCE_S,
    QUIET_S,
    Burst,
)
from emulator.project.file_change import Progress

DONE, BEGUN, WRITING, GONE = Progress.DONE, Progress.BEGUN, Progress.WRITING, Progress.GONE


def burst(*changes: tuple[float, str, Progress]) -> Burst:
    made = Burst(changes[0][0])
    for at_s, path, progress in changes:
        made.note(path, progress, at_s)
    return made


CASES = [
    ("one file", burst((0, "a", DONE)), QUIET_S),
    ("one file, twice", burst((0, "a", DONE), (0.001, "a", DONE)), 0.001 + QUIET_S),
    ("three files", burst(*((0.0, name, DONE) for name in "abc")), 3 * QUIET_S),
    ("hundreds", burst(*((0.0, str(n), DONE) for n in range(300))), LONGEST_QUIET_S),
    ("half a file", burst((0, "a", WRITING)), OPEN_QUIET_S),
    ("a whole file", burst((0, "a", WRITING), (0.001, "a", DONE)), 0.001 + QUIET_S),
    ("one of two is whole", burst((0, "a", BEGUN), (0, "b", DONE)), LONGEST_QUIET_S),
    ("the folder itself is missing", burst((0, "a", DONE), (0, "/", GONE)), GONE_QUIET_S),
    ("it is back, and empty", burst((0, "/", GONE), (1, "/", BEGUN)), 1 + LONGEST_QUIET_S),
    ("it is back", burst((0, "/", GONE), (1, "/", DONE)), 1 + QUIET_S),
    ("no end of it", burst(*((n / 10, "a", DONE) for n in range(100))), PATIENCE_S),
]


@pytest.mark.parametrize(("what", "made", "due_s"), CASES, ids=[what for what, _, _ in CASES])
def test_a_burst_is_over_after_a_quiet_time_that_grows_with_it(
    what: str, made: Burst, due_s: float
) -> None:
    assert made.due_s() == pytest.approx(due_s)


def test_a_file_that_was_written_to_and_not_closed_is_still_written() -> None:
    made = burst(
        (0, "open", WRITING), (0, "link", BEGUN), (0, "whole", WRITING), (0, "whole", DONE)
    )
    assert made.still_written == {"open"}


def test_a_prolonged_burst_is_over_when_patience_ends() -> None:
    made = burst((0, "a", DONE))
    made.prolong(1)
    assert made.due_s() == pytest.approx(1 + QUIET_S)
    made.prolong(PATIENCE_S)
    assert made.due_s() == pytest.approx(PATIENCE_S)


def test_a_folder_that_is_not_expected_back_is_waited_for_no_longer_than_other_changes() -> None:
    assert burst((0, "/", GONE)).due_s(expects_return=False) == pytest.approx(LONGEST_QUIET_S)
