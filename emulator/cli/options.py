"""Options that several commands have, and the running emulator they lead to."""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from typing_extensions import override

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


class Seconds(click.FloatRange):
    """A number of seconds, `least` or more."""

    def __init__(self, least: float = 0) -> None:
        super().__init__(min=least)
        self._least = least

    @override
    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not self._least <= seconds < math.inf:
            self.fail(f'"{value}" is not a number of seconds, {self._least:g} or more.', param, ctx)
        return seconds


class GivenPath(click.Path):
    """The path of a file or folder; what a variable of the shell is that is not set is none."""

    def __init__(self, *, file_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, path_type=Path)

    @override
    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("the path is empty.", param, ctx)
        return super().convert(value, param, ctx)


class HostName(click.types.StringParamType):
    """The name or address of a host, as it can be looked up."""

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            value.encode("idna")
        except UnicodeError:
            self.fail(f'"{value}" is not the name of a host.', param, ctx)
        return value


def running_server(endpoint_url: str | None) -> "RunningServer":
    """The emulator that `--endpoint-url` names, else the one on the default port."""
    from emulator.cli.server import RunningServer

    return RunningServer(endpoint_url or f"http://127.0.0.1:{default_port()}")


def default_port() -> int:
    """The port where an emulator listens when nothing else is said."""
    port = os.environ.get("LAMBDA_EMULATOR_PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdecimal() and int(port) < 65_536):
        raise CommandError(f'LAMBDA_EMULATOR_PORT is "{port}", which is not a port.')
    return int(port)
