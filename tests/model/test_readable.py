"""Whether a descriptor has something to read."""

import os

from emulator.model.readable import Readable


def test_a_pipe_is_readable_while_something_is_in_it_and_once_it_is_closed() -> None:
    reading, writing = os.pipe()
    readable = Readable(reading)
    assert not readable
    os.write(writing, b"ab")
    assert readable
    os.read(reading, 1)
    assert readable
    os.read(reading, 1)
    assert not readable
    os.close(writing)
    assert readable
    os.close(reading)
