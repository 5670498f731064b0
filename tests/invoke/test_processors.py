"""Idle time of the processors."""

from pathlib import Path

import pytest

from emulator.invoke.processors import Processors


def write(stat: Path, *, user: int, idle: int, iowait: int = 0) -> None:
    stat.write_text(f"cpu  {user} 0 0 {idle} {iowait} 0 0 0 0 0\ncpu0 1 2 3\n")


@pytest.mark.parametrize(
    ("user", "idle", "iowait", "expected"),
    [(4, 0, 0, False), (0, 4, 0, True), (3, 1, 0, True), (9, 1, 0, False), (3, 0, 1, True)],
)
def test_time_to_spare_is_what_passed_idly_since_the_last_call(
    tmp_path: Path, user: int, idle: int, iowait: int, expected: bool
) -> None:
    stat = tmp_path / "stat"
    write(stat, user=1000, idle=1000, iowait=50)
    processors = Processors(stat)
    write(stat, user=1000 + user, idle=1000 + idle, iowait=50 + iowait)
    assert processors.have_time_to_spare() is expected


@pytest.mark.parametrize("content", [None, "", "cpu 0 0 0 0 0 0 0 0 0 0\n", "cpu x\n"])
def test_a_system_that_does_not_tell_is_no_error(tmp_path: Path, content: str | None) -> None:
    stat = tmp_path / "stat"
    if content is not None:
        stat.write_text(content)
    assert Processors(stat).have_time_to_spare() is None
