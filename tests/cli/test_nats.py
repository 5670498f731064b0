import json

import click
import pytest

from emulator.cli.nats import nats
from tests.cli.conftest import FakeEmulator, Run

BINDING = {
    "subject": "orders.*",
    "queue": "workers",
    "function": "orders",
    "function_arn": "arn:aws:lambda:us-east-1:000000000000:function:orders",
    "declared": False,
    "state": "listening",
}


@pytest.mark.parametrize("name", sorted(nats.commands))
def test_every_command_has_an_example_and_every_option_a_text(name: str) -> None:
    command = nats.commands[name]
    help_text = command.get_help(click.Context(command, info_name=name))
    assert f"lambda-emulator nats {name}" in help_text
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["-q", "workers"], {"queue": "workers"}),
        (
            [
                "--stream",
                "S",
                "--consumer",
                "c",
                "--max-deliver",
                "3",
                "--ack-wait",
                "2.5",
                "--dead-letter",
                "dead",
            ],
            {
                "stream": "S",
                "consumer": "c",
                "max_deliver": 3,
                "ack_wait_s": 2.5,
                "dead_letter": "dead",
            },
        ),
    ],
)
def test_bind_asks_for_what_its_options_say(
    run: Run, fake: FakeEmulator, options: list[str], asked: dict[str, object]
) -> None:
    fake.body = json.dumps({"new": True, **BINDING}).encode()
    done = run("nats", "bind", "-s", "orders.*", "-f", "orders", *options)
    assert (done.returncode, done.stdout) == (0, "orders.* -> orders: bound, listening\n")
    ((method, path, body),) = fake.asked
    assert (method, path) == ("POST", "/_emulator/nats")
    assert json.loads(body) == {"subject": "orders.*", "function": "orders", **asked}


def test_bind_says_so_when_it_was_bound_before(run: Run, fake: FakeEmulator) -> None:
    fake.body = json.dumps({"new": False, **BINDING}).encode()
    done = run("nats", "bind", "-s", "orders.*", "-f", "orders")
    assert done.stdout == "orders.* -> orders: was bound already, listening\n"


@pytest.mark.parametrize("command", ["bind", "unbind"])
def test_what_the_emulator_refuses_is_told(run: Run, fake: FakeEmulator, command: str) -> None:
    fake.status, fake.body = 400, b'{"message": "that is wrong"}'
    done = run("nats", command, "-s", "a", "-f", "b")
    assert (done.returncode, done.stderr) == (2, f"error: {fake.url}: that is wrong\n")


def test_list_shows_bindings_and_the_server(run: Run, fake: FakeEmulator) -> None:
    declared = {
        "subject": "log.>",
        "stream": "LOG",
        "function": "f",
        "declared": True,
        "state": "stream not found",
    }
    document = {"url": "nats://h:1", "connected": True, "dropped": 3}
    fake.body = json.dumps({**document, "bindings": [BINDING, declared]}).encode()
    done = run("nats", "list")
    assert done.stdout.splitlines() == [
        "SUBJECT   QUEUE    STREAM  FUNCTION  BOUND BY       STATE",
        "orders.*  workers  -       orders    command        listening",
        "log.>     -        LOG     f         emulator.toml  stream not found",
    ]
    assert done.stderr.splitlines() == [
        "connected to nats://h:1",
        "3 messages came too fast and were dropped",
    ]
    assert json.loads(run("nats", "list", "--json").stdout) == json.loads(fake.body)


def test_unbind_names_subject_and_function(run: Run, fake: FakeEmulator) -> None:
    done = run("nats", "unbind", "-s", "log.>", "-f", "f")
    assert (done.returncode, done.stdout) == (0, "log.> -> f: unbound\n")
    assert fake.asked == [("DELETE", "/_emulator/nats?subject=log.%3E&function=f", b"")]


@pytest.mark.parametrize("url", ["http://h", "nats://h:port", "nats://", "a b"])
def test_an_address_that_is_no_nats_server_is_refused(run: Run, url: str) -> None:
    done = run("start", "--port", "0", "--nats", url)
    assert done.returncode == 2
    assert done.stderr == (
        f'error: "{url}" is not the address of a NATS server like nats://127.0.0.1:4222\n'
    )
