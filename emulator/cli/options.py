"""Options that several commands have."""

import math
import os
from pathlib import Path
from typing import Final

import click
from typing_extensions import override

from emulator.cli.endpoint import DEFAULT_PORT

NEEDS_SERVER: Final = click.option(
    "--endpoint-url",
    envvar="LAMBDA_EMULATOR_ENDPOINT",
    metavar="URL",
    help="The running emulator.  [default: the one that AWS_ENDPOINT_URL_LAMBDA or AWS_ENDPOINT_URL"
    f" names, else http://127.0.0.1:{DEFAULT_PORT}]",
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
