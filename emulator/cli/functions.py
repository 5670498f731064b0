"""`lambda-emulator list`."""

import json

import click

from emulator.cli.server import RunningServer
from emulator.cli.table import table


def list_functions(server: RunningServer, *, as_json: bool) -> None:
    """Print the functions of a running emulator."""
    functions = server.get_json("/_emulator/functions")
    if as_json:
        click.echo(json.dumps(functions, indent=2))
    elif not functions:
        click.echo(f"no functions at {server.url}", err=True)
    else:
        rows = [
            (
                function["name"],
                function["runtime"] or "image",
                function["handler"],
                f"{function['timeout_s']} s",
                f"{function['memory_mib']} MiB",
                function["code"] if function["live"] else "uploaded",
            )
            for function in functions
        ]
        click.echo(table(("FUNCTION", "RUNTIME", "HANDLER", "TIMEOUT", "MEMORY", "CODE"), rows))
