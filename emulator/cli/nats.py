"""`lambda-emulator nats`: which NATS subject invokes which function."""

import json
from http import HTTPStatus
from typing import Any, Final

import click

from emulator.cli.endpoint import running_server
from emulator.cli.options import AS_JSON, NEEDS_SERVER, Seconds

_PAGE: Final = "/_emulator/nats"
_SUBJECT: Final = click.option(
    "-s", "--subject", required=True, help="Subject; * is one token, > at the end the rest."
)
_FUNCTION: Final = click.option("-f", "--function", required=True, help="Name of the function.")


@click.group()
def nats() -> None:
    """Have NATS messages invoke functions of a running emulator.

    A request is answered by the function; a message without reply inbox is an asynchronous
    invocation. The server is the one that `start --nats URL`, $NATS_URL or emulator.toml names.

    \b
    Example:
      lambda-emulator nats bind -s 'echo.>' -f hello
      lambda-emulator nats list
    """


@nats.command()
@_SUBJECT
@_FUNCTION
@click.option("-q", "--queue", help="Queue group: one of its members gets each message.")
@click.option("--stream", help="Read from this JetStream stream, with acknowledgement.")
@click.option("--consumer", help="Durable consumer of the stream.  [default: FUNCTION-SUBJECT]")
@click.option(
    "--max-deliver",
    type=click.IntRange(1),
    help="Deliveries after which a message is given up.  [default: no limit]",
)
@click.option(
    "--ack-wait",
    "ack_wait_s",
    type=Seconds(0.1),
    metavar="SECONDS",
    help="Time after which the server takes a silent emulator for dead.  [default: 30]",
)
@click.option("--dead-letter", metavar="SUBJECT", help="Where messages go that were given up.")
@NEEDS_SERVER
def bind(endpoint_url: str | None, **options: Any) -> None:
    """Bind a subject to a function.

    \b
    Example:
      lambda-emulator nats bind -s 'orders.*' -f hello -q workers
      lambda-emulator nats bind -s 'orders.*' -f hello --stream ORDERS --max-deliver 5
    """
    body = {name: value for name, value in options.items() if value is not None}
    headers = {"Content-Type": "application/json"}
    answer = running_server(endpoint_url).post(_PAGE, json.dumps(body).encode(), headers)
    if answer.status != HTTPStatus.OK:
        raise answer.refusal
    binding = json.loads(answer.body)
    done = "bound" if binding["new"] else "was bound already"
    click.echo(f"{binding['subject']} -> {binding['function']}: {done}, {binding['state']}")


@nats.command("list")
@AS_JSON
@NEEDS_SERVER
def list_(as_json: bool, endpoint_url: str | None) -> None:
    """List what is bound, and whether the NATS server is there.

    \b
    Example:
      lambda-emulator nats list --json
    """
    from emulator.cli.table import table

    found = running_server(endpoint_url).get_json(_PAGE)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    state = "connected to" if found["connected"] else "not connected to"
    click.echo(f"{state} {found['url']}", err=True)
    if found["dropped"]:
        click.echo(f"{found['dropped']} messages came too fast and were dropped", err=True)
    if found["bindings"]:
        rows = [_row(binding) for binding in found["bindings"]]
        click.echo(table(("SUBJECT", "QUEUE", "STREAM", "FUNCTION", "BOUND BY", "STATE"), rows))


@nats.command()
@_SUBJECT
@_FUNCTION
@NEEDS_SERVER
def unbind(subject: str, function: str, endpoint_url: str | None) -> None:
    """Take back what `nats bind` bound.

    \b
    Example:
      lambda-emulator nats unbind -s 'orders.*' -f hello
    """
    answer = running_server(endpoint_url).delete(_PAGE, subject=subject, function=function)
    if answer.status != HTTPStatus.OK:
        raise answer.refusal
    click.echo(f"{subject} -> {function}: unbound")


def _row(binding: dict[str, Any]) -> tuple[str, ...]:
    return (
        binding["subject"],
        binding.get("queue", "-"),
        binding.get("stream", "-"),
        binding["function"],
        "emulator.toml" if binding["declared"] else "command",
        binding["state"],
    )
