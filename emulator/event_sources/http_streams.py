"""A streamed response over HTTP: its metadata taken off, its body passed on as it comes.

Source: spec/invoke.md section 1.5.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final
from wsgiref.types import StartResponse

from emulator.event_sources.http_messages import HttpAnswer, phrase_of
from emulator.event_sources.payload_v2 import parse_head
from emulator.invoke import StreamedInvocation
from emulator.invoke.response_channel import ResponseChannel

METADATA_TYPE: Final = "application/vnd.awslambda.http-integration-response"
DEFAULT_TYPE: Final = "application/octet-stream"
_DELIMITER: Final = bytes(8)  # between the metadata and the body
_METADATA_BYTES: Final = 1_048_576  # of a runtime that never sends the delimiter


class StreamedAnswer:
    """Status and headers, and a body that is still being written.

    WSGI's iterable: closed by who sends it, whether its client read it all or went.
    """

    def __init__(self, head: HttpAnswer, first: bytes, response: ResponseChannel) -> None:
        self.head = head  # without its body
        self._first = first
        self._response = response

    def start(self, start_response: StartResponse, head: HttpAnswer) -> "StreamedAnswer":
        """Send `head` in the place of its own; returns what to iterate over."""
        start_response(f"{head.status} {phrase_of(head.status)}", list(head.headers))
        return self

    def __iter__(self) -> Iterator[bytes]:
        yield self._first  # even if empty: with it, status and headers go out
        yield from self._response
        if (error := self._response.result.function_error) is not None:
            # Status and headers have gone: all that is left is to let the client see that the
            # body is not whole. Terminal and record tell what happened.
            raise ConnectionAbortedError(f"the function failed in the middle: {error}")

    def close(self) -> None:
        """Let the function run on without a reader."""
        self._response.abandon()


def begin_answer(
    streamed: StreamedInvocation, headers: Sequence[tuple[str, str]]
) -> StreamedAnswer | None:
    """Wait for status and headers; None: it failed before, or its metadata make no sense.

    headers: further ones, which its head gets.
    """
    response = streamed.response
    read = _read_metadata if response.content_type == METADATA_TYPE else _read_plain
    answer = read(response)
    if answer is None:
        response.abandon()
        return None
    answer.head = answer.head.with_headers(*headers)
    return answer


def _read_plain(response: ResponseChannel) -> StreamedAnswer | None:
    first = next(iter(response), b"")
    if not first and response.result.function_error is not None:
        return None
    content_type = response.content_type or DEFAULT_TYPE
    head = HttpAnswer(status=200, headers=(("Content-Type", content_type),))
    return StreamedAnswer(head, first, response)


def _read_metadata(response: ResponseChannel) -> StreamedAnswer | None:
    read = bytearray()
    for chunk in response:
        read += chunk
        metadata, delimiter, rest = read.partition(_DELIMITER)
        if delimiter:
            head = _parse(bytes(metadata))
            return None if head is None else StreamedAnswer(head, bytes(rest), response)
        if len(read) > _METADATA_BYTES:
            break
    return None


def _parse(metadata: bytes) -> HttpAnswer | None:
    try:
        response = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(response, dict):
        return None
    return parse_head({"statusCode": 200, **response}, DEFAULT_TYPE)
