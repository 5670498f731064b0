"""Wildcards: what they match, and that no pattern takes its time."""

import re
import time
from fnmatch import fnmatchcase
from itertools import product

import pytest

from emulator.model.wildcard import wildcard, wildcard_regex


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("", "", True),
        ("a", "ab", False),
        ("*", "a\nb", True),
        ("a*", "ba", False),
        ("*a", "ab", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*a", "a", False),
        ("?*.x", "a.x", True),
        ("?*.x", ".x", False),
        ("a.c", "abc", False),
        ("**a", "xxa", True),
    ],
)
def test_a_star_is_any_text_and_a_question_mark_one_character(
    pattern: str, text: str, is_match: bool
) -> None:
    assert (wildcard_regex(wildcard(pattern)).fullmatch(text) is not None) is is_match


def test_every_short_pattern_matches_what_a_plain_regex_does() -> None:
    texts = ["".join(chars) for length in range(5) for chars in product("ab", repeat=length)]
    for length in range(5):
        for pattern in ("".join(chars) for chars in product("ab*?", repeat=length)):
            compiled = wildcard_regex(wildcard(pattern))
            for text in texts:
                assert (compiled.fullmatch(text) is not None) == fnmatchcase(text, pattern)


def test_flags_are_kept() -> None:
    assert wildcard_regex(wildcard("A*"), re.IGNORECASE).fullmatch("ab")


def test_many_stars_against_a_text_that_nearly_fits_take_no_time() -> None:
    began_s = time.monotonic()
    assert not wildcard_regex(wildcard("*a" * 30 + "*b")).fullmatch("a" * 5000)
    assert time.monotonic() - began_s < 2
