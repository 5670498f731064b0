"""From what a process writes to its log events: values in, values out."""

from typing import Final

_LONGEST_EVENT: Final = 262_144  # CloudWatch's largest; longer lines are cut into such
_CONTINUED: Final = b"\0\n"  # our Python runtime's mark for a newline inside a log event
_INSIDE: Final = b"\0\x1f"  # the same while lines are cut


class Lines:
    """Cuts what is printed into lines; one that has not ended yet waits."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was read; return the log events it completes."""
        text = self._rest + data
        has_marks = b"\0" in text
        if has_marks:
            text = text.replace(_CONTINUED, _INSIDE)
        *lines, self._rest = text.split(b"\n")
        if has_marks:
            lines = [line.replace(_INSIDE, b"\n") for line in lines]
        if len(self._rest) > _LONGEST_EVENT:
            lines += self.end()
        return lines

    def end(self) -> list[bytes]:
        """Return the line that is still open, if any, as an event: no more of it comes."""
        rest, self._rest = self._rest, b""
        return [rest.replace(_INSIDE, b"\n")] if rest else []


def as_printed(data: bytes) -> bytes:
    """Return output as a terminal shows it, without our marks."""
    return data.replace(_CONTINUED, b"\n") if b"\0" in data else data
