"""`lambda-emulator clock`: what time it is in the emulator, and moving it."""

import json
from datetime import UTC, datetime
from typing import Final

import click

from emulator.cli.endpoint import running_server
from emulator.cli.options import AS_JSON, NEEDS_SERVER, Seconds

_PAGE: Final = "/_emulator/clock"


@click.command(short_help="Show or move the emulator's time.")
@click.argument("action", default="show", type=click.Choice(["show", "advance", "freeze", "run"]))
@click.argument("seconds", required=False, type=Seconds())
@AS_JSON
@NEEDS_SERVER
def clock(action: str, seconds: float | None, as_json: bool, endpoint_url: str | None) -> None:
    """Show or move the emulator's time, which retries, windows and schedules obey.

    advance SECONDS: what is due then starts now. freeze: time moves by advance only. run: time runs
    on.

    \b
    Example:
      lambda-emulator clock
      lambda-emulator clock advance 60
    """
    if (action == "advance") != (seconds is not None):
        raise click.UsageError("advance needs SECONDS, and nothing else takes them.")
    server = running_server(endpoint_url)
    if action == "show":
        found = server.get_json(_PAGE)
    elif action == "advance":
        found = server.post_json(_PAGE, {"advance": seconds})
    else:
        found = server.post_json(_PAGE, {"freeze": action == "freeze"})
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    time = datetime.fromtimestamp(found["now"], UTC).isoformat(timespec="milliseconds")
    click.echo(f"{time} (frozen)" if found["frozen"] else time)
