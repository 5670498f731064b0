"""Reporter: lines reach the terminal, and a bad terminal harms nobody."""

import io
import json
import os
import threading

import pytest

from emulator.observe import Reporter
from emulator.observe.reporter import QUEUED_CHARS, QUEUED_LINES

LARGER_THAN_A_PIPE = "x" * (256 * 1024)


class StalledTerminal:
    """A pipe that nobody reads until `read_all`."""

    def __init__(self) -> None:
        self._read_fd, write_fd = os.pipe()
        self.stream = os.fdopen(write_fd, "w")

    def wait_until_stalled(self) -> None:
        """Return when the reporter is in the middle of a write that is larger than the pipe."""
        os.read(self._read_fd, 1)

    def read_all(self, reporter: Reporter) -> list[str]:
        """Read to the end, which comes when the reporter has stopped."""
        lines: list[str] = []

        def read() -> None:
            with os.fdopen(self._read_fd) as stream:
                lines.extend(stream.read().splitlines())

        thread = threading.Thread(target=read)
        thread.start()
        reporter.stop()
        self.stream.close()
        thread.join()
        return lines


def written_to_a_terminal() -> str:
    """What a reporter writes for one event to a real (pseudo) terminal."""
    controller, terminal = os.openpty()
    with os.fdopen(controller, "rb", buffering=0) as reader, os.fdopen(terminal, "w") as stream:
        reporter = Reporter(stream)
        reporter.event("reload.done")
        reporter.stop()
        return reader.read(1000).decode()


def test_events_and_output_come_out_in_order() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.event("reload.done", function="orders", ms=12.0)
    reporter.output("orders", "printed\n")
    reporter.stop()
    assert stream.getvalue() == "reload.done function=orders ms=12\nprinted\n"


def test_output_passes_untouched_and_lines_of_others_start_on_a_new_line() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.output("orders", " \033[1mbold\033[0m = \t")
    reporter.output("orders", "x\ny")
    reporter.output("resize", "z")
    reporter.event("reload.done")
    reporter.output("resize", "end\n")
    reporter.stop()
    assert stream.getvalue() == " \033[1mbold\033[0m = \tx\ny\nz\nreload.done\nend\n"


def test_a_traceback_in_a_file_has_its_lines_too() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.output("orders", "[ERROR] X\rTraceback:\r  line\n")
    reporter.stop()
    assert stream.getvalue() == "[ERROR] X\nTraceback:\n  line\n"


def test_json_format_wraps_output_too() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream, "json")
    reporter.output("orders", "printed")
    reporter.stop()
    line = {"event": "function.output", "function": "orders", "text": "printed"}
    assert json.loads(stream.getvalue()) == line


def test_a_stalled_terminal_delays_nobody_and_costs_a_bounded_queue() -> None:
    terminal = StalledTerminal()
    reporter = Reporter(terminal.stream)
    reporter.output("orders", LARGER_THAN_A_PIPE)
    terminal.wait_until_stalled()
    for _ in range(QUEUED_LINES + 7):
        reporter.event("more")
    lines = terminal.read_all(reporter)
    assert lines.count("more") == QUEUED_LINES
    assert lines[-1] == "reporter.dropped lines=7"


def test_a_stalled_terminal_bounds_output_by_its_size() -> None:
    terminal = StalledTerminal()
    reporter = Reporter(terminal.stream)
    reporter.output("orders", LARGER_THAN_A_PIPE)
    terminal.wait_until_stalled()
    for _ in range(10):
        reporter.output("orders", "x" * (QUEUED_CHARS // 4))
    assert terminal.read_all(reporter)[-1] == "reporter.dropped lines=6"


def test_a_notice_stands_on_a_line_of_its_own() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.output("orders", "no end")
    reporter.notice("Going on.")
    assert reporter.stop()
    assert stream.getvalue() == "no end\nGoing on.\n"


def test_a_notice_for_programs_is_an_event() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream, "json")
    reporter.notice("Going on.")
    reporter.stop()
    assert json.loads(stream.getvalue()) == {"event": "notice", "text": "Going on."}


def test_stopping_does_not_wait_for_a_stalled_terminal() -> None:
    terminal = StalledTerminal()
    reporter = Reporter(terminal.stream)
    reporter.output("orders", LARGER_THAN_A_PIPE)
    terminal.wait_until_stalled()
    assert not reporter.stop()
    terminal.read_all(reporter)


def test_a_terminal_that_went_away_is_ignored() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    stream.close()
    reporter.event("nobody.reads")
    reporter.stop()


def test_a_terminal_without_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    reporter = Reporter(io.TextIOWrapper(raw, encoding="ascii"))
    reporter.output("orders", "é\udc80")
    reporter.stop()
    assert raw.getvalue() == b"\\xe9\\udc80"


def test_a_terminal_gets_colours_unless_the_user_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[" in written_to_a_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    assert written_to_a_terminal() == "reload.done\r\n"
