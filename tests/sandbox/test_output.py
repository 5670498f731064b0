"""What a runtime prints, on its way to the log."""

import os

from emulator.model import Clock
from emulator.observe import LogBook
from emulator.sandbox.output import Output
from emulator.sandbox.telemetry import Telemetry
from emulator.sandbox.telemetry_sender import TelemetrySender

GROUP = ("000000000000", "us-east-1", "/aws/lambda/f")


class FakeListener:
    def output(self, function: str, text: str) -> None:
        pass


class FakeWatcher:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def line_written(self) -> None:
        self.heard.append("line")

    def flush(self) -> None:
        self.heard.append("flush")


def output_to(book: LogBook) -> Output:
    account, region, group = GROUP
    stream = book.log_stream(group, "s", account, region)
    telemetry = Telemetry(TelemetrySender(), stream.now_ms, logs_json=False)
    return Output(stream, "f", FakeListener(), telemetry)


def test_who_watches_a_log_hears_when_an_invocation_is_over() -> None:
    book, watcher = LogBook(Clock()), FakeWatcher()
    book.watch([GROUP], watcher)
    output = output_to(book)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    output.attach(reading)
    output.platform("START")
    os.write(writing, b"one\ntwo")
    assert output.pull()
    output.end_line()
    assert watcher.heard == ["line"] * 3
    assert output.log.text == b"START\none\ntwo\n"
    output.end()
    assert output.log.text == b""
    assert watcher.heard == ["line"] * 3 + ["flush"]
    os.close(reading)
    os.close(writing)


def test_all_lines_of_an_invocation_have_the_emulators_time() -> None:
    clock = Clock()
    clock.freeze(True)
    clock.advance(86_400)
    book = LogBook(clock)
    output_to(book).platform("START")
    [line] = book.drain()
    assert line.at_ms == int(clock.now() * 1000)


def test_a_held_line_comes_before_the_next_one_and_has_its_own_time() -> None:
    clock = Clock()
    clock.freeze(True)
    book = LogBook(clock)
    output = output_to(book)
    held_ms = int(clock.now() * 1000)
    output.hold("START")
    assert book.tail(GROUP[2]).events == ()
    clock.advance(1)
    output.platform("END", "REPORT")
    lines = [(line.at_ms, line.message) for line in book.tail(GROUP[2]).events]
    assert lines == [(held_ms, "START"), (held_ms + 1000, "END"), (held_ms + 1000, "REPORT")]
    assert output.log.text == b"START\nEND\nREPORT\n"


def test_what_a_function_prints_brings_the_held_line_along() -> None:
    book = LogBook(Clock())
    output = output_to(book)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    output.attach(reading)
    output.hold("START")
    output.catch_up()
    assert book.tail(GROUP[2]).events == ()
    os.write(writing, b"one\n")
    output.catch_up()
    assert [line.message for line in book.tail(GROUP[2]).events] == ["START", "one"]
    os.close(reading)
    os.close(writing)
