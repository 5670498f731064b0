"""Options that several commands have, and the running emulator they lead to."""

import os
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.errors import CommandError

if TYPE_CHECKING:
    from emulator.cli.server import RunningServer

DEFAULT_PORT: Final = 4566

NEEDS_SERVER: Final = click.option(
    "--endpoint-url",
    envvar="LAMBDA_EMULATOR_ENDPOINT",
    metavar="URL",
    help=f"The running emulator.  [default: http://127.0.0.1:{DEFAULT_PORT}]",
    show_envvar=True,
)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def running_server(endpoint_url: str | None) -> "RunningServer":
    """The emulator that `--endpoint-url` names, else the one on the default port."""
    from emulator.cli.server import RunningServer

    return RunningServer(endpoint_url or f"http://127.0.0.1:{default_port()}")


def default_port() -> int:
    """The port where an emulator listens when nothing else is said."""
    port = os.environ.get("LAMBDA_EMULATOR_PORT") or str(DEFAULT_PORT)
    if not port.isdigit():
        raise CommandError(f'LAMBDA_EMULATOR_PORT is "{port}", which is not a port.')
    return int(port)
