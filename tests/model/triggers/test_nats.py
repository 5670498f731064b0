from typing import Any

import pytest

from emulator.model.triggers.nats import NatsTrigger, is_subject, parse_url, shown_url


@pytest.mark.parametrize(
    ("subject", "to_subscribe", "to_publish"),
    [
        ("orders", True, True),
        ("orders.new.eu", True, True),
        ("orders.*", True, False),
        ("*.new.>", True, False),
        (">", True, False),
        ("", False, False),
        ("a..b", False, False),
        (".a", False, False),
        ("a.", False, False),
        ("a b", False, False),
        ("a.\n", False, False),
        ("a.>.b", False, False),
        ("a.b*", False, False),
        ("a.>>", False, False),
    ],
)
def test_a_subject_has_whole_tokens(subject: str, to_subscribe: bool, to_publish: bool) -> None:
    assert is_subject(subject, wildcards=True) == to_subscribe
    assert is_subject(subject, wildcards=False) == to_publish


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, None),
        ({"queue": "workers"}, None),
        ({"stream": "S", "consumer": "c", "max_deliver": 2, "dead_letter": "dead"}, None),
        ({"subject": "a..b"}, 'subject "a..b" is not a subject like orders.new'),
        ({"queue": "a b"}, 'queue "a b" is not the name of a queue group: no spaces'),
        ({"stream": "a.b"}, 'stream "a.b" is not a name'),
        ({"stream": "S", "consumer": "a b"}, 'consumer "a b" is not a name'),
        ({"stream": "S", "queue": "q"}, "queue does not go with stream"),
        ({"consumer": "c"}, "consumer needs a stream"),
        ({"ack_wait_s": 1.0}, "ack_wait_s needs a stream"),
        ({"max_deliver": 1}, "max_deliver needs a stream"),
        ({"stream": "S", "dead_letter": "dead"}, "dead_letter needs max_deliver"),
        (
            {"stream": "S", "max_deliver": 2, "dead_letter": "a.>"},
            'dead_letter "a.>" is not a subject to publish to',
        ),
    ],
)
def test_what_makes_no_sense_is_named(fields: dict[str, Any], problem: str | None) -> None:
    found = [" ".join(each) for each in NatsTrigger(**{"subject": "orders.*"} | fields).problems()]
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("nats://h:1", "nats://h:1"),
        ("tls://h", "tls://h:4222"),
        ("localhost", "nats://localhost:4222"),
        ("h:1", "nats://h:1"),
        ("nats://me:secret@h", "nats://me:secret@h:4222"),
        ("[::1]:5", "nats://[::1]:5"),
        ("a,tls://b:5", "nats://a:4222,tls://b:5"),
        ("http://h", None),
        ("ws://h", None),
        ("nats://", None),
        ("h:port", None),
        ("a b", None),
        ("a,", None),
    ],
)
def test_the_address_of_a_server_is_completed_or_refused(text: str, url: str | None) -> None:
    assert parse_url(text) == url


def test_an_address_is_shown_without_its_password() -> None:
    assert shown_url("nats://me:secret@a:1,nats://token@b:2") == "nats://a:1,nats://b:2"


def test_a_summary_names_subject_and_group_or_stream() -> None:
    assert NatsTrigger(subject="a").summary == "nats a"
    assert NatsTrigger(subject="a", queue="q").summary == "nats a (queue q)"
    assert NatsTrigger(subject="a", stream="S").summary == "nats a (stream S)"


def test_a_consumer_has_its_name_of_the_function_and_the_subject_unless_given() -> None:
    assert NatsTrigger(subject="a.*.b.>").consumer_for("f") == "f-a-any-b-all"
    assert NatsTrigger(subject="a", consumer="c").consumer_for("f") == "c"
    assert len(NatsTrigger(subject="a." * 200 + "a").consumer_for("f")) == 255
