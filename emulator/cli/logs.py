"""`lambda-emulator logs`."""

import click

from emulator.cli.server import RunningServer
from emulator.model import bare_name


def show_logs(server: RunningServer, name: str, *, limit: int, follow: bool) -> None:
    """Print the newest lines of a function's log; with `follow` go on until Ctrl-C.

    All versions write into one log: a qualifier behind the name changes nothing.
    """
    query = {
        "function": bare_name(name),
        "limit": str(limit),
        "follow": "true" if follow else "false",
    }
    is_empty = True
    try:
        for piece in server.stream("/_emulator/logs", **query):
            is_empty = False
            # Lambda joins a traceback's lines by carriage returns: see `observe.screen_text`.
            click.echo(piece.replace(b"\r", b"\n"), nl=False)
    except KeyboardInterrupt:  # that is how following ends
        return
    if is_empty:
        click.echo(f"{bare_name(name)} has not logged anything yet", err=True)
