"""`lambda-emulator logs`."""

import click

from emulator.cli.server import RunningServer


def show_logs(server: RunningServer, name: str, *, limit: int, follow: bool) -> None:
    """Print the newest lines of a function's log; with `follow` go on until Ctrl-C."""
    query = {"function": name, "limit": str(limit), "follow": "true" if follow else "false"}
    try:
        for piece in server.stream("/_emulator/logs", **query):
            click.echo(piece, nl=False)
    except KeyboardInterrupt:  # that is how following ends
        return
