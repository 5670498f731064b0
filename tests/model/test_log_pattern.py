"""Cases of the CloudWatch Logs User Guide, and what it leaves open."""

import pytest

from emulator.model.log_condition import InvalidLogPattern
from emulator.model.log_pattern import parse_log_pattern

APACHE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 404 1534'
APACHE_FIELDS = "ip, identity, user_id, timestamp, request"
TRAIL = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111",
 "arrayKey": ["value", "another value"], "objectList": [{"name": "a", "id": 1},
 {"name": "b", "id": 2}], "SomeObject": null, "SomeOtherObject": true, "bandwidth": 75.5,
 "latency": 1e3, "text": "404", "user": {"id": 1, "e-mail": "John.Stiles@example.com"},
 "with.dot": {"x": "y"}, "no": false}"""

TERMS = [
    ("", "anything", True),
    ("  ", "", True),
    ("ERROR", "[ERROR 400] BAD REQUEST", True),
    ("ERROR", "[error 400]", False),
    ("Exception", "java.lang.NullPointerException", True),
    ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
    ("ERROR ARGUMENTS", "[ERROR 420] INVALID", False),
    ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
    ('"say \\"hi\\""', 'they say "hi"', True),
    ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
    ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
    ('ERROR -"BAD REQUEST"', "[ERROR 400] BAD REQUEST", False),
    ("-DEBUG", "INFO", True),
    ("?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", True),
    ("?ERROR ?ARGUMENTS", "all is well", False),
    ('?"a b" ?%c+%', "xccx", True),
    ("?ERROR REQUEST", "BAD REQUEST", True),  # beside other terms `?` counts for nothing
    ("%AUTHORIZED%", "UNAUTHORIZED REQUEST", True),
    ("%10\\.10\\.0\\.[0-9]{1,3}%", "from 10.10.0.17", True),
    ("%^a|b$%", "cb", True),
    ("%^a|b$%", "ca", False),
]

FIELDS = [
    (f"[{APACHE_FIELDS}, status_code, bytes]", True),
    (f"[{APACHE_FIELDS}, status_code]", False),
    (f"[{APACHE_FIELDS}, status_code = 4*, bytes > 1000]", True),
    (f"[{APACHE_FIELDS}, status_code = 5*, bytes]", False),
    (f"[{APACHE_FIELDS}, status_code = 404, bytes]", True),
    ("[..., request = *.gif*, status_code = 4* && status_code != 403, bytes]", True),
    ("[..., status_code = 410 || status_code = 404, bytes]", True),
    ("[..., (status_code = 410 || status_code = 404) && status_code != 404, bytes]", False),
    ("[ip != 127.0.0.1, ...]", False),
    ("[ip = 127.0.0.*, ..., bytes >= 1534]", True),
    ("[ip, ..., bytes < 1534]", False),
    ('[..., request = "GET /apache_pb.gif HTTP/1.0", status_code, bytes]', True),
    ("[ip = %127\\.0\\.0\\.[1-9]%, ...]", True),
    ("[ip, ...]", True),
    ("[...]", True),
    ("[a, b, c, d, e, ..., f, g]", True),
    ("[a, b, c, d, e, ..., f, g, h]", False),
    ("[ip > 5, ...]", False),
]

PROPERTIES = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{$.eventType=UpdateTrail}", True),
    ('{ $.eventType = "Update*" }', True),
    ('{ $.eventType = "update*" }', False),
    ("{ $.eventType = %^Update(x)% }", None),
    ("{ $.eventType = %Trail$% }", True),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ("{ $.sourceIPAddress = 111.111.* }", True),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[2] = "value" }', False),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[1].id > 2 }", False),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.eventType IS NULL }", False),
    ("{ $.SomeOtherObject NOT EXISTS }", False),
    ("{ $.Missing NOT EXISTS }", True),
    ("{ $.user.Missing.deeper NOT EXISTS }", True),
    ("{ $.user EXISTS }", True),
    ("{ $.SomeOtherObject IS TRUE }", True),
    ("{ $.no IS FALSE }", True),
    ("{ $.no IS TRUE }", False),
    ("{ $.Missing IS FALSE }", False),
    ("{ $.bandwidth > 75 }", True),
    ("{ $.bandwidth <= 75.5 }", True),
    ("{ $.bandwidth = 75.50 }", True),
    ("{ $.latency = 1000 }", True),
    ("{ $.latency != 1e3 }", False),
    ("{ $.eventType > 1 }", False),
    ("{ $.text = 404 }", True),
    ("{ $.Missing != 1 }", False),
    ('{ $.Missing = "*" }', False),
    ('{ $.eventType = "*" }', True),
    ('{ ($.user.id = 1) && ($.user.e-mail = "John.*") }', True),
    ("{ $.user.id = 2 && $.no IS TRUE || $.bandwidth > 1 }", True),
    ("{ $.user.id = 2 && ($.no IS TRUE || $.bandwidth > 1) }", False),
    ("{ $.['with.dot'].x = y }", True),
]


@pytest.mark.parametrize(("pattern", "message", "is_match"), TERMS)
def test_terms(pattern: str, message: str, is_match: bool) -> None:
    assert parse_log_pattern(pattern).matches(message) is is_match


@pytest.mark.parametrize(("pattern", "is_match"), FIELDS)
def test_space_delimited_fields(pattern: str, is_match: bool) -> None:
    assert parse_log_pattern(pattern).matches(APACHE) is is_match


@pytest.mark.parametrize(("pattern", "is_match"), PROPERTIES)
def test_properties_of_json(pattern: str, is_match: bool | None) -> None:
    if is_match is None:
        with pytest.raises(InvalidLogPattern):
            parse_log_pattern(pattern)
        return
    assert parse_log_pattern(pattern).matches(TRAIL) is is_match


def test_fields_are_extracted_by_name() -> None:
    assert parse_log_pattern("[ip, ..., timestamp, request, status = 4*, size]").extract(
        APACHE
    ) == {
        "ip": "127.0.0.1",
        "timestamp": "10/Oct/2000:13:25:15 -0700",
        "request": "GET /apache_pb.gif HTTP/1.0",
        "status": "404",
        "size": "1534",
    }


@pytest.mark.parametrize("message", ["text", "[1]", '"$.a"', '{"a": ', "{}", "[" * 5000 + "{"])
def test_what_is_no_json_object_has_no_properties(message: str) -> None:
    assert not parse_log_pattern("{ $.a = 1 }").matches(message)


@pytest.mark.parametrize(
    "pattern",
    [
        "a-b",
        "404/500",
        '"open',
        "%open",
        "%a(b)%",
        "%a!%",
        "%é%",
        "%[%",
        "[a, b",
        "[]",
        "[a, ]",
        "[a = ]",
        "[a = 1 ||, b]",
        "[a = 1 && b = 2]",
        "[..., a, ...]",
        "[(a = 1, b]",
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a > b }",
        "{ $.a = 1 & $.b = 2 }",
        "{ ($.a = 1 }",
        "{ $.a = 1) }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a = %a% && $.b = %b% && $.c = %c% }",
        "{" + "(" * 400 + "$.a=1" + ")" * 400 + "}",
        "a" * 1025,
    ],
)
def test_a_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidLogPattern):
        parse_log_pattern(pattern)
