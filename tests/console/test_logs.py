import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest

from emulator.gateway import serve
from tests.console.console_lab import Emulator, function
from tests.end_to_end.processes import wait_until


def test_logs_show_the_newest_lines_of_a_function(emulator: Emulator) -> None:
    emulator.functions.append(function("hello", log_group="/mine"))
    stream = emulator.log_book.log_stream("/mine", "s", "000000000000", "us-east-1")
    for line in ("one", "two\n", "three"):
        stream.write(line)
    answer = emulator.get("/_emulator/logs?function=hello&limit=2")
    assert (answer.text, answer.mimetype) == ("two\nthree\n", "text/plain")


def test_logs_of_a_function_in_another_account_are_found_when_it_is_the_only_one(
    emulator: Emulator,
) -> None:
    emulator.functions.append(function("hello", account="111122223333"))
    stream = emulator.log_book.log_stream("/aws/lambda/hello", "s", "111122223333", "us-east-1")
    stream.write("there")
    assert emulator.get("/_emulator/logs?function=hello").text == "there\n"


@pytest.fixture
def followed(emulator: Emulator) -> Iterator[http.client.HTTPConnection]:
    """A connection through a real server, on which a function's log is followed."""
    emulator.functions.append(function("hello"))
    server = serve(emulator.wsgi, "127.0.0.1", 0)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", "/_emulator/logs?function=hello&follow=true")
        yield connection
    emulator.admin.stop()
    server.stop(5)


def test_followed_logs_arrive_as_they_are_written(
    emulator: Emulator, followed: http.client.HTTPConnection
) -> None:
    stream = emulator.log_book.log_stream("/aws/lambda/hello", "s", "000000000000", "us-east-1")
    answer = followed.getresponse()
    for line in ("first", "second"):
        stream.write(line)
        assert answer.readline() == line.encode() + b"\n"


def test_a_followed_log_ends_when_its_client_goes(
    emulator: Emulator, followed: http.client.HTTPConnection
) -> None:
    stream = emulator.log_book.log_stream("/aws/lambda/hello", "s", "000000000000", "us-east-1")
    stream.write("there")
    answer = followed.getresponse()
    assert answer.readline() == b"there\n"
    answer.close()
    followed.close()
    assert wait_until(lambda: not emulator.log_book._followers)


def test_a_followed_log_does_not_hold_up_a_stop(
    emulator: Emulator, followed: http.client.HTTPConnection
) -> None:
    answer = followed.getresponse()
    emulator.admin.stop()
    assert answer.read() == b""
