"""IoT SQL: what is selected, what is refused."""

import json
from typing import Any

import pytest

from emulator.model.iot_functions import UNDEFINED, Message, message
from emulator.model.iot_sql import SqlError, check_template, fill, matches, parse

DOCUMENT = {
    "color": {"red": 255, "name": "Red"},
    "t": 21.5,
    "n": 4,
    "on": True,
    "none": None,
    "list": [{"x": 1}, {"x": 2}],
    "text": "Hello",
    "digits": "7",
}


def published(payload: bytes | None = None) -> Message:
    content = json.dumps(DOCUMENT).encode() if payload is None else payload
    return message("plant/7/state", content, "000000000000", 1795392005000)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("*", DOCUMENT),
        ("t", {"t": 21.5}),
        ("t AS celsius, n", {"celsius": 21.5, "n": 4}),
        ("color.red", {"red": 255}),
        ("color.red AS a.b", {"a": {"b": 255}}),
        ("list[1].x AS x", {"x": 2}),
        ("list[9].x AS x, missing, none", {"none": None}),
        ("*, topic(2) AS plant", DOCUMENT | {"plant": "7"}),
        ("*, 0 AS t", DOCUMENT | {"t": 0}),
        ("topic() AS t, topic(9) AS u", {"t": "plant/7/state"}),
        ("timestamp() AS at, accountid() AS a", {"at": 1795392005000, "a": "000000000000"}),
        ("n + 2 * 3 AS a, (n + 2) * 3 AS b", {"a": 10, "b": 18}),
        ("n / 2 AS a, n / 8 AS b, n % 3 AS c, -n AS d", {"a": 2, "b": 0.5, "c": 1, "d": -4}),
        ("n - 1 - 1 AS a, digits * 2 AS b, n / 0 AS c", {"a": 2, "b": 14.0}),
        ("text + n AS a, 'it''s' AS b", {"a": "Hello4", "b": "it's"}),
        ("concat(text, '-', n) AS a, upper(text) AS b", {"a": "Hello-4", "b": "HELLO"}),
        ('startswith(text, "He") AS a, length(text) AS b', {"a": True, "b": 5}),
        ("substring(text, 1, 3) AS a, indexof(text, 'l') AS b", {"a": "el", "b": 2}),
        ("regexp_matches(text, '^H') AS a, floor(t) AS b", {"a": True, "b": 21}),
        ("round(t) AS a, abs(-n) AS b, power(n, 2) AS c", {"a": 22, "b": 4, "c": 16}),
        ("isundefined(zzz) AS a, isnull(none) AS b", {"a": True, "b": True}),
        ("nvl(none, 3) AS a, nvl(n, 3) AS b", {"a": 3, "b": 4}),
        ("get(*, 'n') AS a, get(list, 0) AS b", {"a": 4, "b": {"x": 1}}),
        ("regexp_replace(text, '(l+)', '[$1]') AS a", {"a": "He[ll]o"}),
        ("md5('a') AS a", {"a": "0cc175b9c0f1b6a831c399e269772661"}),
        ("VALUE color", DOCUMENT["color"]),
        ("VALUE n + 1", 5),
    ],
)
def test_selections(selection: str, expected: Any) -> None:
    assert parse(f"SELECT {selection} FROM 'plant/#'").select(published()) == expected


@pytest.mark.parametrize(
    ("condition", "is_wanted"),
    [
        ("t > 20", True),
        ("t > 20 AND n < 4", False),
        ("t > 20 and n < 4 or on = true", True),
        ("NOT n = 4", False),
        ("not (n = 4 AND t = 1)", True),
        ("n <> 4", False),
        ("n != 5", True),
        ("n >= '4'", True),
        ("text < 'I'", True),
        ("missing > 1", False),
        ("missing <> 1", False),
        ("NOT missing = 1", False),
        ("on = 1", False),
        ("none = null", True),
        ("color.name = 'Red'", True),
        ("n", False),
        ("on", True),
        ("text = 4", False),
        ("topic(1) = 'plant'", True),
    ],
)
def test_conditions(condition: str, is_wanted: bool) -> None:
    found = parse(f"SELECT * FROM 'plant/#' WHERE {condition}").select(published())
    assert (found is not UNDEFINED) == is_wanted


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT FROM 'a'",
        "SELECT * FROM a",
        "SELECT * 'a'",
        "SELECT * FROM 'a' WHERE",
        "SELECT * FROM 'a' WHERE (n = 1",
        "SELECT * FROM 'a' extra",
        "SELECT n + 1 FROM 'a'",
        "SELECT topic() FROM 'a'",
        "SELECT a AS FROM 'a'",
        "SELECT a,, b FROM 'a'",
        "SELECT zzz(1) AS a FROM 'a'",
        "SELECT upper() AS a FROM 'a'",
        "SELECT [1] AS a FROM 'a'",
        "SELECT CASE n WHEN 1 THEN 2 END AS a FROM 'a'",
        "SELECT a # b FROM 'a'",
        "SELECT a['b'] AS c FROM 'a'",
        "UPDATE x",
    ],
)
def test_what_is_not_understood_is_refused(sql: str) -> None:
    with pytest.raises(SqlError):
        parse(sql)


def test_a_payload_that_is_no_json() -> None:
    raw = published(b"\xff\x00")
    assert parse("SELECT * FROM 'a'").selection(raw) is UNDEFINED
    assert parse("SELECT encode(*, 'base64') AS d FROM 'a'").select(raw) == {"d": "/wA="}
    assert parse("SELECT *, n, topic(1) AS p FROM 'a'").select(raw) == {"p": "plant"}
    assert parse("SELECT * FROM 'a' WHERE n = 1").select(raw) is UNDEFINED


@pytest.mark.parametrize(
    ("topic_filter", "topic", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a/b/c", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "b", False),
        ("#", "a/b", True),
        ("#", "$aws/things", False),
        ("+/things", "$aws/things", False),
        ("$aws/#", "$aws/things", True),
    ],
)
def test_topic_filters(topic_filter: str, topic: str, fits: bool) -> None:
    assert matches(topic_filter, topic) == fits


def test_templates_are_filled() -> None:
    assert fill("a/${topic(2)}/${color.name}-${on}", published()) == "a/7/Red-true"
    assert fill("${zzz}", published()) == "Undefined"
    with pytest.raises(SqlError):
        check_template("a/${topic(}")


def test_what_is_selected_does_not_change_the_message() -> None:
    found = published()
    parse("SELECT *, 1 AS color.red FROM 'a'").select(found)
    assert found.document == DOCUMENT
