import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emulator.cli.endpoint import running_server
from tests.cli.conftest import FakeEmulator, Run

HEALTH = b'{"status": "running", "version": "1", "functions": 2}'
NOBODY = "http://127.0.0.1:1"
OURS = ("LAMBDA_EMULATOR_ENDPOINT", "LAMBDA_EMULATOR_PORT")
NOT_SET = dict.fromkeys([*OURS, "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"], "")


@pytest.fixture
def emulator(fake: FakeEmulator) -> FakeEmulator:
    fake.body = HEALTH
    return fake


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ENDPOINT_URL": "HERE"},
        {"AWS_ENDPOINT_URL_LAMBDA": "HERE", "AWS_ENDPOINT_URL": NOBODY},
        {"LAMBDA_EMULATOR_ENDPOINT": "HERE", "AWS_ENDPOINT_URL": NOBODY},
        {"LAMBDA_EMULATOR_PORT": "PORT", "AWS_ENDPOINT_URL": NOBODY},
        {"LAMBDA_EMULATOR_PORT": "PORT", "AWS_ENDPOINT_URL": "http://["},
        {"LAMBDA_EMULATOR_PORT": "PORT", "AWS_ENDPOINT_URL_LAMBDA": "https://aws.example"},
    ],
)
def test_what_is_meant_for_the_emulator_comes_before_what_is_meant_for_sdks(
    emulator: FakeEmulator, run: Run, variables: dict[str, str]
) -> None:
    places = {"HERE": emulator.url, "PORT": emulator.url.rpartition(":")[2]}
    given = {name: places.get(value, value) for name, value in variables.items()}
    done = run("list", **{**NOT_SET, **given})
    assert (done.returncode, done.stderr) == (0, "")
    assert "orders" in done.stdout


def test_an_address_of_sdks_where_nobody_answers_is_not_left_for_another_one(run: Run) -> None:
    done = run("reset", **{**NOT_SET, "AWS_ENDPOINT_URL": NOBODY})
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: no emulator answers at {NOBODY} (AWS_ENDPOINT_URL) (")


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b'{"services": {}}'])
def test_another_program_that_sdks_use_is_left_alone(
    fake: FakeEmulator, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    fake.body = body
    for name in NOT_SET:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
    assert running_server(None).url == "http://127.0.0.1:4566"
    assert running_server(NOBODY).url == NOBODY


def test_a_program_that_speaks_another_protocol_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:  # type: ignore[explicit-override]
            self.rfile.readline()
            self.wfile.write(b"-ERR unknown command\r\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name in NOT_SET:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    try:
        assert running_server(None).url == "http://127.0.0.1:4566"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_tls_is_for_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NOT_SET:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://lambda.us-east-1.amazonaws.com")
    assert running_server(None).url == "http://127.0.0.1:4566"
