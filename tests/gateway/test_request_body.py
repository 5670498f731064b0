import io

import pytest

from emulator.gateway.request_body import CHUNK_BYTES, RequestBody


def body(data: bytes, length: int | None) -> RequestBody:
    return RequestBody(io.BytesIO(data), length)


@pytest.mark.parametrize("length", [7, None])
def test_reads_with_and_without_a_size_mix(length: int | None) -> None:
    stream = body(b"abcdefg", length)
    assert (stream.read(2), stream.read(0), stream.read(), stream.read()) == (
        b"ab",
        b"",
        b"cdefg",
        b"",
    )


@pytest.mark.parametrize("size", [-1, None])
def test_a_negative_size_or_none_reads_all(size: int | None) -> None:
    assert body(b"abc", 3).read(size) == b"abc"


def test_lines_keep_their_newline_and_empty_lines_count() -> None:
    assert list(body(b"a\n\nb", 4)) == [b"a\n", b"\n", b"b"]
    stream = body(b"a\nb\nc", None)
    assert (stream.readline(), stream.read(1), stream.readlines()) == (b"a\n", b"b", [b"\n", b"c"])


def test_nothing_beyond_the_promised_length_is_read() -> None:
    assert body(b"abcNEXT", 3).read() == b"abc"
    assert body(b"abcNEXT", 3).read(100) == b"abc"


@pytest.mark.parametrize("length", [5, CHUNK_BYTES * 3])
def test_a_body_shorter_than_promised_is_an_error(length: int) -> None:
    with pytest.raises(ConnectionResetError, match="less than it promised"):
        body(b"abc", length).read()
    with pytest.raises(ConnectionResetError, match="less than it promised"):
        body(b"abc", length).read(4)


def test_a_long_body_of_unknown_length_is_read_whole() -> None:
    data = bytes(range(256)) * 4096
    assert body(data, None).read() == data


def test_drain_stops_at_its_limit() -> None:
    source = io.BytesIO(bytes(CHUNK_BYTES * 10))
    RequestBody(source, CHUNK_BYTES * 10).drain(CHUNK_BYTES * 2)
    assert source.tell() == CHUNK_BYTES * 2
