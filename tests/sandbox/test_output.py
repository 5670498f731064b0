"""What a runtime prints, on its way to the log."""

import os

from emulator.model import Clock
from emulator.observe import LogBook
from emulator.sandbox.output import Output

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


def test_who_watches_a_log_hears_when_an_invocation_is_over() -> None:
    book, watcher = LogBook(Clock()), FakeWatcher()
    book.watch([GROUP], watcher)
    account, region, group = GROUP
    output = Output(book.log_stream(group, "s", account, region), "f", FakeListener())
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    output.attach(reading)
    output.platform("START")
    os.write(writing, b"one\ntwo")
    assert output.pull()
    output.end_line()
    assert watcher.heard == ["line"] * 3
    assert output.take() == b"START\none\ntwo\n"
    assert watcher.heard == ["line"] * 3 + ["flush"]
    os.close(reading)
    os.close(writing)


def test_all_lines_of_an_invocation_have_the_emulators_time() -> None:
    clock = Clock()
    clock.freeze(True)
    clock.advance(86_400)
    book = LogBook(clock)
    account, region, group = GROUP
    Output(book.log_stream(group, "s", account, region), "f", FakeListener()).platform("START")
    [line] = book.drain()
    assert line.at_ms == int(clock.now() * 1000)
