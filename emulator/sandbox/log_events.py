"""From what a process writes to its log events: lines, and the frames of AWS's runtime clients.

A runtime client writes a record of its logger as one frame to the descriptor that
`_LAMBDA_TELEMETRY_LOG_FD` names; so newlines inside stay in one event. Here that is standard output
itself: with a pipe of their own, records would lose their order among what is printed.
Source: spec/runtime-api.md section 6.
"""

import struct
from typing import Final

FRAME_FD: Final = "1"  # for _LAMBDA_TELEMETRY_LOG_FD
_LONGEST_EVENT: Final = 262_144  # CloudWatch's largest; longer ones are cut into such
_HEADER: Final = struct.Struct(">IIQ")  # type, length, microseconds since the epoch
_MAGIC: Final = b"\xa5\x5a\x00"  # of all types; no text in UTF-8 has it
_LEVELS: Final = (0x0, 0x8, 0xC, 0x10, 0x14, 0x18)  # unspecified, DEBUG to CRITICAL
_KINDS: Final = frozenset(0xA55A0002 + level + is_text for level in _LEVELS for is_text in (0, 1))
_NO_ASCII: Final = 0x80
_LONGEST_FRAME: Final = 16 * 1024 * 1024


class LogEvents:
    """Cuts the output of a process; what is not complete yet waits."""

    def __init__(self) -> None:
        self._line = b""
        self._frame = bytearray()  # from its header on
        self._missing = 0  # bytes of the frame, or of its header, that are to come

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Take what was read; return the events it completes, and what a terminal shows."""
        if not self._frame and _MAGIC[:1] not in data:
            return self._cut(data), data
        self._frame += data
        self._missing -= len(data)
        if self._missing > 0:
            return [], b""
        return self._unframe()

    def end(self) -> list[bytes]:
        """Return what is still open as events: no more of it comes."""
        if not self._line and not self._frame:
            return []
        begun = bytes(self._frame)
        self._frame.clear()
        self._missing = 0
        # One or two bytes that could have begun a frame are text, and a newline may follow them.
        lines: list[bytes] = []
        if begun.startswith(_MAGIC):
            self._line += begun
        else:
            lines = self._cut(begun)
        rest, self._line = self._line, b""
        return lines + (_pieces(rest) if rest else [])

    def _unframe(self) -> tuple[list[bytes], bytes]:
        data = bytes(self._frame)
        self._frame.clear()
        self._missing = 0
        events: list[bytes] = []
        shown: list[bytes] = []
        begin = search = 0
        while (at := _find(data, search)) >= 0:
            length = _length(data, at)
            if length is None:  # it only looks like a frame
                search = at + 1
                continue
            self._missing = at + length - len(data)
            if self._missing > 0:
                self._frame += data[at:]
                data = data[:at]
                break
            payload = data[at + _HEADER.size : at + length].removesuffix(b"\n")
            events += self._cut(data[begin:at]) + _pieces(payload)
            shown += [data[begin:at], payload, b"\n"]
            begin = search = at + length
        events += self._cut(data[begin:])
        return events, b"".join([*shown, data[begin:]])

    def _cut(self, text: bytes) -> list[bytes]:
        *lines, self._line = (self._line + text).split(b"\n")
        if len(self._line) > _LONGEST_EVENT:
            rest, self._line = self._line, b""
            lines.append(rest)
        return lines


def _find(data: bytes, begin: int) -> int:
    """Return where a frame may begin, also one of which only the first bytes are there; or -1."""
    at = data.find(_MAGIC, begin)
    if at >= 0:
        return at
    for count in (2, 1):
        at = len(data) - count
        # Behind a byte that is no ASCII it is the end of a letter.
        if data.endswith(_MAGIC[:count], begin) and (at == begin or data[at - 1] < _NO_ASCII):
            return at
    return -1


def _length(data: bytes, at: int) -> int | None:
    """Return how long the frame at `at` is, or at least is; None when it is none."""
    if len(data) - at < _HEADER.size:
        return _HEADER.size if data.startswith(_MAGIC, at) else len(_MAGIC)
    kind, length, _ = _HEADER.unpack_from(data, at)
    if kind not in _KINDS or length > _LONGEST_FRAME:
        return None
    return _HEADER.size + int(length)


def _pieces(event: bytes) -> list[bytes]:
    starts = range(0, max(len(event), 1), _LONGEST_EVENT)
    return [event[start : start + _LONGEST_EVENT] for start in starts]
