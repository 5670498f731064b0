from tests.cli.conftest import FakeEmulator, Run


def test_a_log_is_printed_as_the_server_sends_it(run: Run, fake: FakeEmulator) -> None:
    fake.body = "START\nhä\n".encode()
    done = run("logs", "orders", "--limit", "7")
    assert (done.returncode, done.stdout) == (0, "START\nhä\n")
    assert fake.asked[0][1] == "/_emulator/logs?function=orders&limit=7&follow=false"


def test_a_log_that_has_no_line_is_said_to_have_none_where_a_program_does_not_read_it(
    run: Run, fake: FakeEmulator
) -> None:
    fake.body = b""
    done = run("logs", "orders:live")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "orders has not logged anything yet\n"


def test_the_log_of_a_qualifier_is_that_of_its_function(run: Run, fake: FakeEmulator) -> None:
    run("logs", "orders:live")
    assert "function=orders&" in fake.asked[0][1]


def test_the_log_of_an_unknown_function_is_refused_in_the_words_of_the_server(
    run: Run, fake: FakeEmulator
) -> None:
    fake.status, fake.body = 400, b'{"message": "function \\"x\\" is not registered (have: a)."}'
    done = run("logs", "x")
    assert done.returncode == 2
    assert done.stderr == f'error: {fake.url}: function "x" is not registered (have: a).\n'
