"""The form of a line on the terminal."""

import json

import pytest

from emulator.observe.lines import json_line, screen_text, text_line

FINISHED: dict[str, object] = {
    "function": "orders",
    "version": "3",
    "request": "6c1b0f4e-26bb-4e51-9a21-f5ad7ab8fa49",
    "env": "aec41655ba74e5eac5a5a12388e35f59",
    "status": "ok",
    "cold": True,
    "init_ms": 41.0,
    "ms": 7.4,
    "memory": None,
}


def test_an_event_is_a_name_and_the_pairs_that_are_known() -> None:
    assert text_line("invoke.finished", FINISHED) == (
        "invoke.finished function=orders version=3 request=6c1b0f4e env=aec41655 status=ok"
        " cold=true init_ms=41 ms=7.4\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (False, "x=false"),
        (3, "x=3"),
        (0.126, "x=0.13"),
        (1200.0, "x=1200"),
        ("two words", 'x="two words"'),
        ('a"b', 'x="a\\"b"'),
        ("line\nbreak", 'x="line\\nbreak"'),
        ("", 'x=""'),
        ("Grüße", "x=Grüße"),
    ],
)
def test_values_are_written_so_that_their_end_is_clear(value: object, written: str) -> None:
    assert text_line("e", {"x": value}) == f"e {written}\n"


def test_a_failure_is_red_and_a_success_is_not() -> None:
    assert "\033[31m" in text_line("e", {"status": "timeout"}, is_coloured=True)
    assert "\033[31m" in text_line("e", {"error": "boom"}, is_coloured=True)
    assert "\033[31m" not in text_line("e", {"status": "ok"}, is_coloured=True)


def test_json_is_one_object_a_line_with_nothing_shortened() -> None:
    line = json_line("invoke.finished", FINISHED)
    assert line.endswith("\n")
    assert json.loads(line) == {
        "event": "invoke.finished",
        **{key: value for key, value in FINISHED.items() if value is not None},
    }


def test_on_a_screen_the_lines_of_a_traceback_do_not_overwrite_each_other() -> None:
    assert screen_text("[ERROR] X\rTraceback:\r  line\r\n") == "[ERROR] X\nTraceback:\n  line\r\n"
