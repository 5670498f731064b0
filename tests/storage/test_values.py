"""Values become JSON and are the same again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from emulator.storage import from_document, to_document

Colour = Enum("Colour", "RED GREEN")


@dataclass(frozen=True)
class Inner:
    text: str
    number: float = 1.5


@dataclass(frozen=True)
class Outer:
    inner: Inner
    colour: Colour
    path: Path
    maybe: Inner | None = None
    several: tuple[Inner, ...] = ()
    names: list[str] = field(default_factory=list)
    table: Mapping[str, Inner] = field(default_factory=dict)
    by_qualifier: dict[str | None, Inner] = field(default_factory=dict)
    anything: Any = None


FULL = Outer(
    inner=Inner("é", 2),
    colour=Colour.GREEN,
    path=Path("/a/b"),
    maybe=Inner("maybe"),
    several=(Inner("1"), Inner("2")),
    names=["x"],
    table={"k": Inner("v")},
    by_qualifier={None: Inner("none"), "prod": Inner("prod")},
    anything={"a": [1, None, True]},
)


@pytest.mark.parametrize("value", [FULL, Outer(Inner(""), Colour.RED, Path("x"))])
def test_a_value_is_the_same_again(value: Outer) -> None:
    assert from_document(Outer, json.loads(json.dumps(to_document(value)))) == value


def test_an_older_document_has_defaults_and_a_newer_one_is_cut() -> None:
    assert from_document(Inner, {"text": "a", "since": "tomorrow"}) == Inner("a")


@pytest.mark.parametrize("document", [{"number": 1}, None, 7, {"text": "a", "number": "b"}])
def test_a_document_of_another_kind_is_refused(document: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_document(Inner, document)


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set cannot be kept"):
        to_document({"a": {1, 2}})
