"""What the emulator tells on the terminal."""

import os
import threading
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal, TextIO

from emulator.observe.lines import json_line, screen_text, text_line

LogFormat = Literal["text", "json"]

QUEUED_LINES: Final = 10_000
QUEUED_CHARS: Final = 4 * 1024 * 1024
OUTPUT: Final = "function.output"  # the event that holds what a function wrote
NOTICE: Final = "notice"  # the event of a text in plain words
_PAUSE_S: Final = 0.02  # between two writes, so that a burst costs one write and not a thousand
_STOP_S: Final = 1.0  # a terminal that stalls longer than this does not keep us from stopping

_Entry = tuple[str, Mapping[str, object]]


class Reporter:
    """Lines for people, or for programs when `log_format` is "json".

    Any thread may call; none ever waits for the terminal. `_lock` guards the queue. The thread
    "reporter" formats and writes; when the terminal stalls and the queue is full, lines are
    dropped and the next line that gets through says how many.
    """

    def __init__(self, stream: TextIO, log_format: LogFormat = "text") -> None:
        self._stream = stream
        self._is_json = log_format == "json"
        self._is_coloured = _wants_colour(stream)
        self._lock = threading.Lock()
        self._has_entries = threading.Condition(self._lock)
        self._entries: deque[_Entry] = deque()
        self._chars = 0
        self._dropped = 0
        self._is_waiting = False
        self._unfinished: object = None  # the function whose last line has no end yet
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="reporter", daemon=True)
        self._thread.start()

    def event(self, name: str, **fields: object) -> None:
        """Report an event; fields that are None are left out."""
        self._enqueue(name, fields, 0)

    def output(self, function: str, text: str) -> None:
        """Pass on what a function wrote; it may end in the middle of a line."""
        if text:
            self._enqueue(OUTPUT, {"function": function, "text": text}, len(text))

    def notice(self, text: str) -> None:
        """Say something in plain words, as a line of its own."""
        self._enqueue(NOTICE, {"text": text}, len(text))

    def stop(self) -> bool:
        """Write what is queued and end the thread; later events are ignored.

        False: the terminal stalls, and the thread still holds the stream.
        """
        self._stopping.set()
        with self._lock:
            self._has_entries.notify()
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    def _enqueue(self, name: str, fields: Mapping[str, object], chars: int) -> None:
        with self._lock:
            if len(self._entries) >= QUEUED_LINES or self._chars + chars > QUEUED_CHARS:
                self._dropped += 1
                return
            self._entries.append((name, fields))
            self._chars += chars
            if self._is_waiting:
                self._is_waiting = False
                self._has_entries.notify()

    def _write_all(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                self._is_waiting = not self._entries
                self._has_entries.wait_for(lambda: self._entries or self._stopping.is_set())
            self._write_queued()
            self._stopping.wait(_PAUSE_S)
        self._write_queued()

    def _write_queued(self) -> None:
        with self._lock:
            entries, self._entries = self._entries, deque()
            dropped, self._dropped = self._dropped, 0
            self._chars = 0
        lines = [self._line(name, fields) for name, fields in entries]
        if dropped:
            lines.append(self._line("reporter.dropped", {"lines": dropped}))
        if lines:
            _write(self._stream, "".join(lines))

    def _line(self, name: str, fields: Mapping[str, object]) -> str:
        if self._is_json:
            return json_line(name, fields)
        if name == OUTPUT:
            return self._output(fields["function"], str(fields["text"]))
        if name == NOTICE:
            return f"{self._end_line()}{fields['text']}\n"
        return self._end_line() + text_line(name, fields, is_coloured=self._is_coloured)

    def _output(self, function: object, text: str) -> str:
        before = "" if function == self._unfinished else self._end_line()
        self._unfinished = None if text.endswith("\n") else function
        return before + screen_text(text)

    def _end_line(self) -> str:
        end = "" if self._unfinished is None else "\n"
        self._unfinished = None
        return end


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        _write(stream, text.encode(encoding, "backslashreplace").decode(encoding))
    except (OSError, ValueError):
        return  # the terminal is gone; functions go on without it


def _wants_colour(stream: TextIO) -> bool:
    return (
        stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb"
    )
