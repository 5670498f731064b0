"""LogBook: the log streams of functions and their two readers."""

import threading

from emulator.model import Clock
from emulator.observe import LogBook, LogStream
from emulator.observe.log_book import BOOK_BYTES, GROUP_LINES, LINE_OVERHEAD_BYTES

ACCOUNT, REGION, GROUP = "000000000000", "us-east-1", "/aws/lambda/orders"


def stream_of(book: LogBook, group: str = GROUP, name: str = "one") -> LogStream:
    return book.log_stream(group, name, ACCOUNT, REGION)


def messages(book: LogBook, group: str = GROUP, limit: int = 100) -> list[str]:
    return [event.message for event in book.tail(group, limit=limit).events]


def test_a_line_is_handed_over_with_where_and_when_it_was_written() -> None:
    clock = Clock()
    clock.freeze(True)
    book = LogBook(clock)
    stream_of(book).write("START")
    stream_of(book).write("later", at_ms=1234)
    first, second = book.drain()
    assert (first.account, first.region, first.group, first.stream) == (
        ACCOUNT,
        REGION,
        GROUP,
        "one",
    )
    assert (first.message, first.at_ms) == ("START", int(clock.now() * 1000))
    assert (second.message, second.at_ms) == ("later", 1234)


def test_a_line_is_handed_over_once_and_stays_readable() -> None:
    book = LogBook(Clock())
    stream_of(book).write("one")
    assert [event.message for event in book.drain()] == ["one"]
    stream_of(book).write("two")
    assert [event.message for event in book.drain()] == ["two"]
    assert book.drain() == []
    assert messages(book) == ["one", "two"]


def test_the_tail_holds_the_newest_lines_of_one_group() -> None:
    book = LogBook(Clock())
    for number in range(5):
        stream_of(book).write(str(number))
    stream_of(book, "/aws/lambda/other").write("elsewhere")
    assert messages(book, limit=2) == ["3", "4"]


def test_groups_of_two_accounts_are_apart() -> None:
    book = LogBook(Clock())
    book.log_stream(GROUP, "one", "111111111111", REGION).write("theirs")
    assert messages(book) == []
    page = book.tail(GROUP, account="111111111111")
    assert [event.message for event in page.events] == ["theirs"]


def test_a_follower_reads_on_where_it_stopped() -> None:
    book = LogBook(Clock())
    stream_of(book).write("before")
    page = book.tail(GROUP)
    stream_of(book).write("after")
    page = book.follow(GROUP, page.position, wait_s=0)
    assert [event.message for event in page.events] == ["after"]
    page = book.follow(GROUP, page.position, wait_s=0)
    assert page.events == ()


def test_a_follower_waits_for_the_first_line_of_a_group() -> None:
    book = LogBook(Clock())
    page = book.tail(GROUP)
    timer = threading.Timer(0.01, stream_of(book).write, ["hello"])
    timer.start()
    page = book.follow(GROUP, page.position, wait_s=10)
    timer.join()
    assert [event.message for event in page.events] == ["hello"]


def test_a_follower_waits_no_longer_than_its_deadline() -> None:
    assert LogBook(Clock()).follow(GROUP, 0, wait_s=0.01).events == ()


def test_a_group_keeps_its_newest_lines_only() -> None:
    book = LogBook(Clock())
    stream = stream_of(book)
    written = [str(number) for number in range(GROUP_LINES + 1_000)]
    for each in written:
        stream.write(each)
    kept = messages(book, limit=GROUP_LINES * 2)
    assert GROUP_LINES <= len(kept) < GROUP_LINES + 500
    assert kept == written[-len(kept) :]
    assert len(book.drain()) == len(kept)
    assert book.kept_bytes == sum(len(each) + LINE_OVERHEAD_BYTES for each in kept)


def test_a_full_book_takes_from_the_chatty_group_and_spares_the_quiet_one() -> None:
    book = LogBook(Clock())
    stream_of(book, "quiet").write("still here")
    chatty = stream_of(book, "chatty")
    for _ in range(40):
        chatty.write("x" * (1024 * 1024))
    assert book.kept_bytes <= BOOK_BYTES
    assert messages(book, "quiet") == ["still here"]
    assert 14 <= len(messages(book, "chatty")) <= 16


def test_short_lines_of_many_groups_stay_within_the_bound() -> None:
    book = LogBook(Clock())
    lines = BOOK_BYTES // LINE_OVERHEAD_BYTES + 1000
    for number in range(lines):
        stream_of(book, f"group-{number % 20}").write("")
    assert book.kept_bytes <= BOOK_BYTES
    assert len(book.drain()) < lines


def test_one_line_larger_than_the_book_leaves_it_within_the_bound() -> None:
    book = LogBook(Clock())
    stream_of(book).write("x" * (BOOK_BYTES + 1))
    assert book.kept_bytes == 0
    stream_of(book).write("next")
    assert messages(book) == ["next"]


def test_a_follower_of_a_group_that_was_emptied_sees_only_what_is_new() -> None:
    book = LogBook(Clock())
    stream_of(book).write("old")
    position = book.tail(GROUP).position
    book.reset()
    stream_of(book).write("new")
    page = book.follow(GROUP, position, wait_s=0)
    assert [event.message for event in page.events] == ["new"]


class FakeWatcher:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def line_written(self) -> None:
        self.heard.append("line")

    def flush(self) -> None:
        self.heard.append("flush")


def test_who_watches_a_group_hears_of_its_lines_and_of_no_others() -> None:
    book, watcher = LogBook(Clock()), FakeWatcher()
    watched, other = stream_of(book), stream_of(book, "/aws/lambda/other")
    watched.write("before")
    book.watch([(ACCOUNT, REGION, GROUP)], watcher)
    watched.write("one")
    other.write("two")
    other.flush()
    watched.flush()
    assert watcher.heard == ["line", "flush"]
    book.watch([], watcher)
    watched.write("three")
    watched.flush()
    assert watcher.heard == ["line", "flush"]
