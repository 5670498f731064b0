"""Output of a process cut into log events."""

import struct

import pytest

from emulator.sandbox.log_events import LogEvents


def frame(text: bytes, kind: int = 0xA55A0003) -> bytes:
    return struct.pack(">IIQ", kind, len(text), 0x0101010101010101) + text


TWO_LINES = frame(b"first\nsecond\n")
LARGE = 16 * 1024 * 1024 + 1

CUTS = [
    ([b"one\ntwo\n"], [b"one", b"two"], b"one\ntwo\n"),
    ([b"on", b"e\ntw", b"o\n"], [b"one", b"two"], b"one\ntwo\n"),
    ([b"\n\n"], [b"", b""], b"\n\n"),
    ([b"a\rb\n"], [b"a\rb"], b"a\rb\n"),
    ([b"x" * 300_000, b"y\n"], [b"x" * 300_000, b"y"], b"x" * 300_000 + b"y\n"),
    ([b"a\n" + TWO_LINES + b"b\n"], [b"a", b"first\nsecond", b"b"], b"a\nfirst\nsecond\nb\n"),
    ([frame(b"1", 0xA55A000E) + frame(b"2", 0xA55A001B)], [b"1", b"2"], b"1\n2\n"),
    ([frame(b"")], [b""], b"\n"),
    # A line that has not ended goes on behind the record.
    ([b"ab" + frame(b"r") + b"c\n"], [b"r", b"abc"], b"abr\nc\n"),
    # It only looks like a frame.
    ([b"\xa5\x5a\x00\x55 no frame at all\n"], [b"\xa5\x5a\x00\x55 no frame at all"], None),
    ([frame(b"x" * LARGE)[:16] + b"\n"], [frame(b"x" * LARGE)[:16]], None),
    (["å\n".encode(), b"\xa5", b"b\n"], ["å".encode(), b"\xa5b"], "å\n".encode() + b"\xa5b\n"),
    ([frame(b"z" * 600_000)], [b"z" * 262_144, b"z" * 262_144, b"z" * 75_712], None),
]


@pytest.mark.parametrize(("chunks", "events", "shown"), CUTS)
def test_a_line_is_an_event_and_so_is_a_frame_with_its_newlines(
    chunks: list[bytes], events: list[bytes], shown: bytes | None
) -> None:
    cutter = LogEvents()
    fed = [cutter.feed(chunk) for chunk in chunks]
    assert [event for completed, _ in fed for event in completed] == events
    if shown is not None:
        assert b"".join(text for _, text in fed) == shown
    assert cutter.end() == []


def test_it_does_not_matter_where_the_output_is_cut_into_pieces() -> None:
    output = b"a\nopen" + TWO_LINES + b"ed\n\xc3\xa5\n" + frame(b"") + b"\xa5\x5ab\n" + TWO_LINES
    for size in range(1, 20):
        cutter = LogEvents()
        pieces = [output[at : at + size] for at in range(0, len(output), size)]
        events = [event for piece in pieces for event in cutter.feed(piece)[0]]
        framed = b"first\nsecond"
        assert events == [b"a", framed, b"opened", b"\xc3\xa5", b"", b"\xa5\x5ab", framed]


@pytest.mark.parametrize("text", ["blå", "奥", "¥Z"])
def test_a_letter_that_ends_as_a_frame_begins_is_shown_at_once(text: str) -> None:
    assert LogEvents().feed(text.encode()) == ([], text.encode())


OPEN = [
    ([b"one\ntw"], [b"tw"]),
    ([TWO_LINES[:20]], [TWO_LINES[:20]]),
    ([b"ab" + TWO_LINES[:2]], [b"ab" + TWO_LINES[:2]]),
    ([b"bl\xc3", b"\xa5", b"\n"], ["blå".encode()]),
    ([b"bl\xc3", b"\xa5", b"x"], ["blåx".encode()]),
]


@pytest.mark.parametrize(("chunks", "rest"), OPEN)
def test_what_is_still_open_at_the_end_is_an_event(chunks: list[bytes], rest: list[bytes]) -> None:
    cutter = LogEvents()
    for chunk in chunks:
        cutter.feed(chunk)
    assert cutter.end() == rest
    assert cutter.end() == []
    assert cutter.feed(b"next\n") == ([b"next"], b"next\n")
