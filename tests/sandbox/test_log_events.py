"""Output of a process cut into log events."""

import pytest

from emulator.sandbox.log_events import Lines, as_printed

CUTS = [
    ([b"one\ntwo\n"], [b"one", b"two"], []),
    ([b"on", b"e\ntw", b"o"], [b"one"], [b"two"]),
    ([b"\n\n"], [b"", b""], []),
    ([b"a\rb\n"], [b"a\rb"], []),
    ([b"first\0\nsecond\nnext\n"], [b"first\nsecond", b"next"], []),
    ([b"first\0", b"\nsecond\0\n", b"third\n"], [b"first\nsecond\nthird"], []),
    ([b"first\0\nsecond"], [], [b"first\nsecond"]),
    ([b"a\0b\n"], [b"a\0b"], []),
    ([b"x" * 300_000, b"y\n"], [b"x" * 300_000, b"y"], []),
]


@pytest.mark.parametrize(("chunks", "events", "rest"), CUTS)
def test_lines_are_events_and_a_marked_newline_is_inside_one(
    chunks: list[bytes], events: list[bytes], rest: list[bytes]
) -> None:
    lines = Lines()
    assert [event for chunk in chunks for event in lines.feed(chunk)] == events
    assert lines.end() == rest
    assert lines.end() == []


def test_marks_do_not_reach_the_terminal() -> None:
    assert as_printed(b"first\0\nsecond\na\0b\n") == b"first\nsecond\na\0b\n"
