"""From a NATS client to a function in a real emulator, and back."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nats_server import NatsClient, NatsServer, needs_server, running_nats, wait_until
from tests.running_emulator import RunningEmulator, running_emulator, started_emulator

pytestmark = needs_server

ECHO = """
import json, os

def handler(event, context):
    nats = context.client_context.custom["nats"]
    if event == "fail":
        raise ValueError("it was asked to")
    if event == "sleep":
        import time
        time.sleep(10)
    return {"event": event, "nats": nats}
"""
PROJECT = """
[functions.echo]
code = "echo"
handler = "app.handler"
runtime = "python3.12"
timeout_s = 1

[[functions.echo.triggers]]
source = "nats"
subject = "echo.*"
queue = "echoes"

[[functions.echo.triggers]]
source = "nats"
subject = "orders.>"
stream = "ORDERS"
consumer = "echo"
max_deliver = 2
dead_letter = "dead.orders"

[functions.node]
code = "node"
handler = "index.handler"
runtime = "nodejs22.x"

[emulator]
retry_delay_scale = 0
"""
NODE = "export const handler = async (event, context) => context.clientContext.custom.nats.subject"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, file, source in (("echo", "app.py", ECHO), ("node", "index.mjs", NODE)):
        (folder / name).mkdir()
        (folder / name / file).write_text(source)
    (folder / "emulator.toml").write_text(PROJECT)
    return folder


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, NatsClient]]:
    with running_nats(tmp_path_factory.mktemp("nats")) as running:
        running[1].add_stream("ORDERS", "orders.>")
        yield running


@pytest.fixture(scope="module")
def emulator(folder: Path, nats: tuple[NatsServer, NatsClient]) -> Iterator[RunningEmulator]:
    with running_emulator(folder, "--nats", nats[0].url) as emulator:
        yield emulator


@pytest.fixture
def client(nats: tuple[NatsServer, NatsClient], emulator: RunningEmulator) -> NatsClient:
    emulator.reset()
    return nats[1]


def command(emulator: RunningEmulator, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "nats", *arguments],
        env={**os.environ, "LAMBDA_EMULATOR_ENDPOINT": emulator.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_request_is_answered_by_the_function(
    emulator: RunningEmulator, client: NatsClient
) -> None:
    reply = client.request("echo.a", b'{"key": "value"}', headers={"Tenant": "t"})
    answer = json.loads(reply.data)
    assert answer["nats"].pop("reply").startswith("_INBOX.")
    assert answer == {
        "event": {"key": "value"},
        "nats": {
            "subject": "echo.a",
            "headers": {"Tenant": "t"},
            "stream": None,
            "consumer": None,
            "sequence": None,
            "redeliveries": 0,
        },
    }
    (record,) = emulator.invocations("echo")
    assert (record["source"], record["cause"]) == ("nats", "echo.a")


def test_a_raw_socket_gets_its_answer(
    nats: tuple[NatsServer, NatsClient], emulator: RunningEmulator
) -> None:
    with socket.create_connection(("127.0.0.1", nats[0].port), timeout=20) as raw:
        lines = raw.makefile("rwb", buffering=0)
        assert lines.readline().startswith(b"INFO {")
        lines.write(b"CONNECT {}\r\nSUB reply-box 1\r\nPUB echo.raw reply-box 5\r\nhello\r\n")
        while (line := lines.readline()) == b"+OK\r\n":
            pass
        head, body = line.split(), lines.readline()
        assert head == [b"MSG", b"reply-box", b"1", str(len(body) - 2).encode()]
        answer = json.loads(body)
        assert (answer["event"], answer["nats"]["reply"]) == ("hello", "reply-box")


def test_errors_of_the_function_are_replies(client: NatsClient) -> None:
    failed = client.request("echo.a", b"fail")
    assert (failed.headers or {})["Lambda-Function-Error"] == "Unhandled"
    document = json.loads(failed.data)
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "it was asked to")
    late = client.request("echo.a", b"sleep")
    assert json.loads(late.data)["errorType"] == "Sandbox.Timedout"
    assert (late.headers or {})["Nats-Service-Error"] == "Sandbox.Timedout"


def test_a_message_without_inbox_runs_with_retries_and_still_knows_its_subject(
    emulator: RunningEmulator, client: NatsClient
) -> None:
    client.publish("echo.async", b"fail")
    client.publish("echo.async", b"\xff")
    emulator.settle()
    records = emulator.invocations("echo")
    failures = [record for record in records if record["event"] == "fail"]
    assert [record["attempt"] for record in failures] == [3, 2, 1]
    (success,) = [record for record in records if record["event"] != "fail"]
    assert success["event"] == {"base64": "/w=="}
    assert success["response"]["nats"]["subject"] == "echo.async"
    assert success["response"]["nats"]["reply"] is None


def test_a_stored_message_runs_and_a_failing_one_becomes_a_dead_letter(
    emulator: RunningEmulator, client: NatsClient
) -> None:
    letters: list[Any] = []

    async def keep(message: Any) -> None:
        letters.append(message)

    client.run(client.nats.subscribe("dead.orders", cb=keep))
    client.store("orders.new", b"[1]")
    emulator.settle()
    (record,) = emulator.invocations("echo")
    assert record["response"]["nats"]["stream"] == "ORDERS"
    client.store("orders.new", b"fail")
    emulator.settle()
    emulator.advance(1)
    emulator.settle()
    errors = [one for one in emulator.invocations("echo") if one["status"] == "error"]
    assert len(errors) == 2
    wait_until(lambda: letters)
    assert (letters[0].data, letters[0].headers["Lambda-Deliveries"]) == (b"fail", "2")
    assert client.unfinished("ORDERS", "echo") == 0


def test_the_commands_bind_list_and_unbind(emulator: RunningEmulator, client: NatsClient) -> None:
    done = command(emulator, "bind", "-s", "node.>", "-f", "node")
    assert done == "node.> -> node: bound, listening\n"
    assert client.request("node.a.b", b"").data == b'"node.a.b"'
    bindings = json.loads(command(emulator, "list", "--json"))["bindings"]
    shown = [(each["subject"], each["function"], each["declared"]) for each in bindings]
    assert shown == [
        ("echo.*", "echo", True),
        ("node.>", "node", False),
        ("orders.>", "echo", True),
    ]
    assert command(emulator, "unbind", "-s", "node.>", "-f", "node") == "node.> -> node: unbound\n"
    assert len(json.loads(command(emulator, "list", "--json"))["bindings"]) == 2


def test_a_trigger_that_is_saved_into_the_project_listens(
    emulator: RunningEmulator, client: NatsClient, folder: Path
) -> None:
    file = folder / "emulator.toml"
    trigger = '[[functions.node.triggers]]\nsource = "nats"\nsubject = "saved"\n'
    file.write_text(PROJECT.replace("[emulator]", f"{trigger}[emulator]"))
    emulator.settle()
    assert client.request("saved", b"").data == b'"saved"'
    file.write_text(PROJECT)
    emulator.settle()
    assert len(json.loads(command(emulator, "list", "--json"))["bindings"]) == 2


def test_a_killed_emulator_loses_no_stored_message(
    nats: tuple[NatsServer, NatsClient], emulator: RunningEmulator, tmp_path: Path
) -> None:
    server, client = nats
    client.add_stream("KILLED", "killed")
    (tmp_path / "app.py").write_text(
        "import time\ndef handler(event, context):\n    time.sleep(event)\n"
    )
    (tmp_path / "emulator.toml").write_text(
        f'[nats]\nurl = "{server.url}"\n[functions.f]\ncode = "."\nhandler = "app.handler"\n'
        'runtime = "python3.12"\ntimeout_s = 30\n[[functions.f.triggers]]\nsource = "nats"\n'
        'subject = "killed"\nstream = "KILLED"\nconsumer = "f"\nack_wait_s = 0.5\n'
    )
    client.store("killed", b"0")
    with started_emulator(tmp_path) as first:
        first.settle()
        client.store("killed", b"20")
        wait_until(lambda: client.unfinished("KILLED", "f") == 1)
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return event\n")
    with running_emulator(tmp_path) as second:
        wait_until(lambda: client.unfinished("KILLED", "f") == 0)
        second.settle()
        (record,) = second.invocations("f")
        assert record["event"] == 20


def test_what_was_bound_by_command_is_bound_after_a_restart(
    nats: tuple[NatsServer, NatsClient], folder: Path, tmp_path: Path
) -> None:
    server, client = nats
    options = ("--nats", server.url, "--data-dir", str(tmp_path / "kept"))
    with started_emulator(folder, *options) as first:
        command(first, "bind", "-s", "kept", "-f", "node")
    with running_emulator(folder, *options) as second:
        assert client.request("kept", b"").data == b'"kept"'
        command(second, "unbind", "-s", "kept", "-f", "node")
        assert second.request("GET", "/_emulator/nats")["connected"]


def test_without_a_server_the_emulator_starts_and_says_so_once(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with running_emulator(folder, "--nats", f"nats://user:secret@127.0.0.1:{port}") as emulator:
        emulator.wait_for_output(f"No NATS server at nats://127.0.0.1:{port} (")
        assert emulator.client("lambda").invoke(FunctionName="node")["StatusCode"] == 200
        emulator.settle()
        assert emulator.output.count("No NATS server") == 1
        assert "secret" not in emulator.output
