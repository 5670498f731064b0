"""Whether a snapshot has made the environment that it was asked for."""

import contextlib
import os

import pytest

from emulator.sandbox.restored_process import restored_process


@pytest.mark.parametrize(
    ("told", "has_begun"),
    [(b"", False), (b"init 1\n", True), (b"pid 7\n", True), (b"init 1\npid 7\nexit 1\n", True)],
)
def test_a_snapshot_that_ends_before_it_has_read_the_request_has_made_nothing(
    told: bytes, has_begun: bool
) -> None:
    theirs: list[int] = []
    process = restored_process(lambda fds: theirs.extend(map(os.dup, fds)))
    with contextlib.closing(process):
        os.write(theirs[1], told)
        for fd in theirs:
            os.close(fd)
        assert process.has_begun() is has_begun
