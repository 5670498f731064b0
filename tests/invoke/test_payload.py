"""Which events are taken."""

import pytest

from emulator.invoke.payload import check_payload
from emulator.model import LambdaError


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"a": [1, 2.5e3, true, null]}',
        b'"text"',
        b"0",
        b"null",
        b"[]",
        b" {} \n",
        '"é"'.encode(),
    ],
)
def test_any_json_value_is_an_event(payload: bytes) -> None:
    check_payload(payload, 100)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"{'a': 1}", b"{} {}", b"NaN", b"[Infinity]", b'"\xff"', b"[" * 100_000, b'"a\nb"'],
)
def test_what_is_not_json_is_refused(payload: bytes) -> None:
    with pytest.raises(LambdaError) as refused:
        check_payload(payload, 1_000_000)
    assert refused.value.code == "InvalidRequestContentException"
    assert refused.value.message.startswith(
        "Could not parse request body into json: Could not parse payload into json: "
    )


def test_the_place_of_the_mistake_is_named() -> None:
    with pytest.raises(LambdaError, match=r"line: 2, column: 3\]$"):
        check_payload(b"{\n  a: 1}", 100)


def test_an_event_may_be_as_large_as_the_limit_and_no_larger() -> None:
    check_payload(b'"' + b"x" * 98 + b'"', 100)
    with pytest.raises(LambdaError) as refused:
        check_payload(b'"' + b"x" * 99 + b'"', 100)
    assert refused.value.fault.status == 413
    assert (
        refused.value.message
        == "Request must be smaller than 100 bytes for the InvokeFunction operation"
    )
