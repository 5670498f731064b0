import pytest

from emulator.gateway.plain_invoke import PlainInvoke, Verdict, plain_invoke
from emulator.model import limits

PATH = "/2015-03-31/functions/hello/invocations"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n".encode()
INVOKE = HEAD + b"\r\n{}"


def test_what_sdks_send_is_plain_and_its_environ_is_that_of_wsgi() -> None:
    head = HEAD + b"X-Amz-Log-Type: Tail\r\nContent-Type:application/json\r\n\r\n"
    found = plain_invoke(head + b"{}POST next")
    assert isinstance(found, PlainInvoke)
    assert found.environ == {
        "REQUEST_METHOD": "POST",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": "2",
        "HTTP_X_AMZ_LOG_TYPE": "Tail",
        "CONTENT_TYPE": "application/json",
    }
    assert (found.start, found.end) == (len(head), len(head) + 2)


def test_escapes_of_the_path_are_taken_off_and_the_query_is_left() -> None:
    line = b"POST /2015-03-31/functions/a%3Ab%2Fc/invocations?Qualifier=%24LATEST HTTP/1.1"
    found = plain_invoke(line + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(found, PlainInvoke)
    assert found.environ["PATH_INFO"] == "/2015-03-31/functions/a:b/c/invocations"
    assert found.environ["QUERY_STRING"] == "Qualifier=%24LATEST"


def test_as_long_as_it_may_become_one_there_is_more_to_come() -> None:
    for end in range(1, len(HEAD) + 1):
        assert plain_invoke(INVOKE[:end]) is Verdict.MORE
    assert isinstance(plain_invoke(bytearray(INVOKE[:-1])), PlainInvoke)  # its body may follow


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /2015-03-31/functions/hello/invocations HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /2015-03-31/functions HTTP/1.1\r\n",
        INVOKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        INVOKE.replace(b"/invocations", b"/versions"),
        INVOKE.replace(b"hello", b"hello/there"),
        INVOKE.replace(b"Host: localhost\r\n", b""),
        INVOKE.replace(b"Content-Length: 2\r\n", b""),
        INVOKE.replace(b": 2\r\n", b": +2\r\n"),
        INVOKE.replace(b": 2\r\n", b": two\r\n"),
        INVOKE.replace(b": 2\r\n", b": %d\r\n" % (limits.SYNC_REQUEST_BYTES + 1)),
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"X-A: 1\r\nx-a: 2\r\n\r\n{}",
        HEAD + b"X-A: 1\r\n folded\r\n\r\n{}",
        HEAD + b"X_A: 1\r\n\r\n{}",
        HEAD + b"X-A : 1\r\n\r\n{}",
        HEAD + b"X-A: \xe4\r\n\r\n{}",
        HEAD + b"no header\r\n\r\n{}",
        HEAD + b"Connection: close\r\n\r\n{}",
        HEAD + b"Expect: 100-continue\r\n\r\n{}",
        HEAD + b"Origin: http://example.com\r\n\r\n{}",
        HEAD + b"Sec-Fetch-Site: cross-site\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Upgrade: h2c\r\n\r\n{}",
        HEAD + b"X: " + b"a" * 100_000,
    ],
)
def test_whatever_is_in_doubt_is_another_request(request_bytes: bytes) -> None:
    assert plain_invoke(request_bytes) is Verdict.OTHER


def test_a_connection_that_stays_open_may_say_so() -> None:
    for value in (b"keep-alive", b"Keep-Alive"):
        found = plain_invoke(HEAD + b"Connection: " + value + b"\r\n\r\n{}")
        assert isinstance(found, PlainInvoke)


def test_names_made_up_by_a_client_do_not_fill_the_memory() -> None:
    from emulator.gateway import plain_invoke as module

    for number in range(3_000):
        plain_invoke(HEAD + b"X-%d: 1\r\n\r\n{}" % number)
    assert len(module._keys) <= 1_000
    assert isinstance(plain_invoke(HEAD + b"X-2999: 1\r\n\r\n{}"), PlainInvoke)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /2015-03-31/functions/a/invocations HTTP/1.1\nHost: x\nContent-Length: 0\n\n",
        b"POST /2015-03-31/functions/a/invocations HTTP/1.1\r\n"
        b"Host: x\nContent-Length: 9\r\nContent-Length: 0\r\n\r\n",
        b"POST /2015-03-31/functions/a/invocations HTTP/1.1\r\n"
        b"Host: x\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
        b"POST /2015-03-31/functions/a\t/invocations HTTP/1.1\r\n"
        b"Host: x\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_bare_line_feeds_and_control_characters_are_in_doubt(request_: bytes) -> None:
    assert plain_invoke(request_) is Verdict.OTHER
