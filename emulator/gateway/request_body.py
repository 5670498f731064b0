"""The body of a request as applications may read it: PEP 3333's `wsgi.input`."""

import io
from collections.abc import Iterator
from typing import Protocol

CHUNK_BYTES = 65_536


class Source(Protocol):
    """granian's own body: takes a positive size only, forgets its rest when read without one."""

    def read(self, size: int) -> bytes:
        """Next `size` bytes; fewer only at the end, or when the client went away."""


class RequestBody:
    """Reads from the socket as the application asks, so an upload is never held twice.

    length: what Content-Length promised; None when the body ends by itself (chunked, HTTP/2).
    A body that ends before its promise raises ConnectionResetError instead of looking whole.
    granian reports a chunked upload that was cut short as its end: that one cannot be told from
    a whole one.
    """

    __slots__ = ("_left", "_rest", "_source")

    def __init__(self, source: Source, length: int | None) -> None:
        self._source = source
        self._left = length
        self._rest: io.BytesIO | None = None  # all that is left, once lines were asked for

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, or all that is left for a negative size or None."""
        if self._rest is not None:
            return self._rest.read(size)
        if size is None or size < 0:
            return self._read_all()
        return self._read_some(size)

    def readline(self, size: int | None = -1) -> bytes:
        """Read up to and with the next newline."""
        return self._lines().readline(size)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Read all lines that are left."""
        return self._lines().readlines(hint)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._lines())

    def drain(self, limit: int) -> None:
        """Read on and forget, up to `limit` bytes, so that the connection can be used again."""
        while limit > 0 and (chunk := self._read_some(CHUNK_BYTES)):
            limit -= len(chunk)

    def _read_some(self, size: int) -> bytes:
        left = self._left
        if left is None:
            return self._source.read(size) if size else b""
        wanted = min(size, left)
        if not wanted:
            return b""
        data = self._source.read(wanted)
        self._left = left - len(data)
        if len(data) < wanted:
            raise ConnectionResetError(f"the client sent {self._left} bytes less than it promised")
        return data

    def _read_all(self) -> bytes:
        if self._left is not None and self._left <= CHUNK_BYTES:
            return self._read_some(self._left)
        buffer = io.BytesIO()  # unlike a join of chunks, it holds the body once
        while chunk := self._read_some(CHUNK_BYTES):
            buffer.write(chunk)
        return buffer.getvalue()

    def _lines(self) -> io.BytesIO:
        if self._rest is None:
            self._rest = io.BytesIO(self._read_all())
        return self._rest
