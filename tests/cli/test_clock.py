import json

import pytest

from tests.cli.conftest import FakeEmulator, Run

AT_NOON = {"now": 1_763_812_800.25, "frozen": False}


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], None),
        (["show"], None),
        (["advance", "60"], {"advance": 60}),
        (["advance", "0.5"], {"advance": 0.5}),
        (["freeze"], {"freeze": True}),
        (["run"], {"freeze": False}),
    ],
)
def test_the_clock_is_moved_and_shown(
    fake: FakeEmulator, run: Run, arguments: list[str], asked: dict[str, object] | None
) -> None:
    fake.body = json.dumps(AT_NOON).encode()
    assert run("clock", *arguments).stdout == "2025-11-22T12:00:00.250+00:00\n"
    method, path, body = fake.asked[0]
    if asked is None:
        assert (method, path) == ("GET", "/_emulator/clock?")
    else:
        assert (method, path, json.loads(body)) == ("POST", "/_emulator/clock", asked)


def test_a_frozen_clock_says_so(fake: FakeEmulator, run: Run) -> None:
    fake.body = json.dumps({**AT_NOON, "frozen": True}).encode()
    assert run("clock").stdout.endswith(" (frozen)\n")
    assert json.loads(run("clock", "--json").stdout)["frozen"] is True


@pytest.mark.parametrize("arguments", [["advance"], ["freeze", "1"], ["advance", "-1"], ["stop"]])
def test_what_makes_no_sense_is_refused(fake: FakeEmulator, run: Run, arguments: list[str]) -> None:
    assert run("clock", *arguments).returncode == 2
    assert fake.asked == []
