"""`lambda-emulator queue`: the asynchronous events that are not over."""

import json
from typing import Any, Final

import click

from emulator.cli.endpoint import running_server
from emulator.cli.options import AS_JSON, NEEDS_SERVER
from emulator.cli.table import table

_HEADINGS: Final = ("FUNCTION", "EVENTS", "RUNNING", "ATTEMPTS", "OLDEST", "NEXT DUE")


@click.command(short_help="Show asynchronous events that wait or run.")
@AS_JSON
@NEEDS_SERVER
def queue(as_json: bool, endpoint_url: str | None) -> None:
    """Show the asynchronous events that wait or run, by function.

    ATTEMPTS: those that these events had so far. NEXT DUE: when the next retry comes.

    \b
    Example:
      lambda-emulator queue
    """
    server = running_server(endpoint_url)
    found = server.get_json("/_emulator/queue")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if found["functions"]:
        click.echo(table(_HEADINGS, [_row(function) for function in found["functions"]]))
    else:
        click.echo(f"no events wait at {server.url}", err=True)
    if found["given_up"] or found["dropped"]:
        click.echo(
            f"since the start {found['given_up']} were given up, and {found['dropped']} dropped"
            " because their function was deleted",
            err=True,
        )


def _row(function: dict[str, Any]) -> tuple[object, ...]:
    due_s = function["next_due_s"]
    return (
        function["name"],
        function["depth"],
        function["running"],
        function["attempts"],
        f"{function['oldest_age_s']:.1f} s",
        "-" if due_s is None else f"in {due_s:.1f} s",
    )
