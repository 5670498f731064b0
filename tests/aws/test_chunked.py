import pytest

from emulator.aws.chunked import IncompleteBody, decode

SIGNED = b"3;chunk-signature=ab\r\nhel\r\n2;chunk-signature=cd\r\nlo\r\n0;chunk-signature=ef\r\n"


def test_signed_chunks_are_joined() -> None:
    assert decode(SIGNED + b"\r\n", 5).content == b"hello"


def test_trailers_are_read() -> None:
    trailer = b"x-amz-checksum-crc32c:AAAA\r\nx-amz-trailer-signature:00\r\n\r\n"
    decoded = decode(SIGNED + trailer, None)
    assert decoded.trailers == {
        "x-amz-checksum-crc32c": "AAAA",
        "x-amz-trailer-signature": "00",
    }


def test_content_may_look_like_chunks() -> None:
    content = b"0\r\n\r\n"
    assert decode(b"5\r\n" + content + b"\r\n0\r\n\r\n", 5).content == content


@pytest.mark.parametrize("body", [b"", b"5\r\nhel", b"zz\r\n", b"-1\r\n", b"5\r\nhello\r\n", b"5"])
def test_a_body_that_breaks_off_is_refused(body: bytes) -> None:
    with pytest.raises(IncompleteBody):
        decode(body, None)


def test_a_body_of_another_length_than_announced_is_refused() -> None:
    with pytest.raises(IncompleteBody, match="5 bytes came, 6 were announced"):
        decode(SIGNED + b"\r\n", 6)
