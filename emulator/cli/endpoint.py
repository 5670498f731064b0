"""Which running emulator a command talks to."""

import os
from typing import TYPE_CHECKING, Final

from emulator.cli.errors import CommandError

if TYPE_CHECKING:
    from emulator.cli.server import RunningServer

DEFAULT_PORT: Final = 4566

# Where SDKs look, in their order. It may be set for a service that is no emulator's.
_OF_SDKS: Final = ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL")


def running_server(endpoint_url: str | None) -> "RunningServer":
    """The emulator that `endpoint_url` names, else the one that SDKs use, else the default port's.

    Raises CommandError for what is no address.
    """
    from emulator.cli.server import RunningServer

    if endpoint_url:
        return RunningServer(endpoint_url)
    of_sdks = None if os.environ.get("LAMBDA_EMULATOR_PORT") else _server_of_sdks()
    return of_sdks or RunningServer(f"http://127.0.0.1:{default_port()}")


def default_port() -> int:
    """The port where an emulator listens when nothing else is said."""
    port = os.environ.get("LAMBDA_EMULATOR_PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdecimal() and int(port) < 65_536):
        raise CommandError(f'LAMBDA_EMULATOR_PORT is "{port}", which is not a port.')
    return int(port)


def _server_of_sdks() -> "RunningServer | None":
    """The emulator that SDKs are led to; None where another program answers, AWS itself say.

    Where nothing answers it is meant all the same: the command then fails with that address, for
    another emulator on the default port is not the one to be reset.
    """
    from emulator.cli.server import RunningServer

    for variable in _OF_SDKS:
        if url := os.environ.get(variable):
            if not url.startswith("http://"):  # no emulator speaks TLS
                return None
            server = RunningServer(url, named_by=variable)
            return None if server.is_another_program() else server
    return None
