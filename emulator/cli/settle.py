"""`lambda-emulator settle` and `reset`: between two tests."""

import sys
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import click

from emulator.cli.endpoint import running_server
from emulator.cli.options import NEEDS_SERVER, Seconds

_NOT_SETTLED: Final = 1


@click.command(short_help="Wait until nothing runs and nothing is due.")
@click.option(
    "--timeout",
    "timeout_s",
    default=30.0,
    type=Seconds(),
    metavar="SECONDS",
    show_default=True,
    help="How long to wait at most.",
)
@NEEDS_SERVER
def settle(timeout_s: float, endpoint_url: str | None) -> None:
    """Wait until nothing runs and nothing is due; what is due later does not count.

    Exits with 1 when something is still pending after the timeout.

    \b
    Example:
      lambda-emulator settle --timeout 10
    """
    query = urlencode({"timeout": timeout_s})
    answer = running_server(endpoint_url).post(f"/_emulator/settle?{query}", b"", {})
    if answer.status == HTTPStatus.GATEWAY_TIMEOUT:
        click.echo(answer.message, err=True)
        sys.exit(_NOT_SETTLED)
    if answer.status != HTTPStatus.OK:
        raise answer.refusal


@click.command(short_help="Empty everything and load the project again.")
@NEEDS_SERVER
def reset(endpoint_url: str | None) -> None:
    """Empty everything, also what --data-dir keeps, and load the project again.

    \b
    Example:
      lambda-emulator reset
    """
    running_server(endpoint_url).post_json("/_emulator/reset", {})
