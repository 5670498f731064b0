"""aws-chunked bodies: S3 uploads sent in signed or checksummed pieces."""

from collections.abc import Mapping
from dataclasses import dataclass


class IncompleteBody(Exception):
    """The body ended early, or is longer than announced."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The content, and the headers that followed it (lower-case names)."""

    content: bytes
    trailers: Mapping[str, str]


def decode(body: bytes, announced: int | None) -> Decoded:
    """Take an aws-chunked body apart, signed or not, with or without trailing headers.

    A chunk is `<hex size>[;chunk-signature=…]\\r\\n<data>\\r\\n`; the one of size 0 ends the
    content and trailers may follow it. announced: `x-amz-decoded-content-length`. Raises
    IncompleteBody. Signatures are not checked, as nowhere else here.
    Source: Amazon S3 API Reference, Signature Version 4 streaming.
    """
    chunks = []
    position = 0
    while True:
        end = body.find(b"\r\n", position)
        try:
            size = int(body[position:end].partition(b";")[0], 16)
        except ValueError as error:
            raise IncompleteBody("a chunk has no size") from error
        position = end + 2
        if end < 0 or size < 0 or position + size > len(body):
            raise IncompleteBody("the last chunk is cut short")
        if size == 0:
            break
        chunks.append(body[position : position + size])
        position += size + 2
    content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if announced is not None and len(content) != announced:
        raise IncompleteBody(f"{len(content)} bytes came, {announced} were announced")
    return Decoded(content, _trailers(body[position:]))


def _trailers(text: bytes) -> dict[str, str]:
    trailers = {}
    for line in text.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            trailers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
    return trailers
