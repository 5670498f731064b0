"""`lambda-emulator bind` and `unbind`: code on this machine as a function."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.endpoint import running_server
from emulator.cli.errors import CommandError
from emulator.cli.options import NEEDS_SERVER, GivenPath

if TYPE_CHECKING:
    from emulator.cli.server import Answer, RunningServer
    from emulator.project.inference import Files, Inferred

_ROLE: Final = "arn:aws:iam::000000000000:role/lambda-emulator"
_FUNCTIONS: Final = "/2015-03-31/functions"
_HEADERS: Final = {"Content-Type": "application/json"}


@click.command(short_help="Make a folder or file a function.")
@click.option(
    "-p",
    "--path",
    required=True,
    type=GivenPath(),
    help="Folder, .zip, .jar or single file with the code; a folder is watched.",
)
@click.option("-f", "--function", required=True, help="Name of the function.")
@click.option("--runtime", help="Its runtime.  [default: judged by the files]")
@click.option("--handler", help="Its handler.  [default: judged by the files]")
@NEEDS_SERVER
def bind(
    path: Path,
    function: str,
    runtime: str | None,
    handler: str | None,
    endpoint_url: str | None,
) -> None:
    """Make code on this machine a function of a running emulator.

    A function of that name that is there already gets the new code. It is invoked as every other
    function, and at /fn/NAME.

    \b
    Example:
      lambda-emulator bind -p sample_functions/hello -f greet
      lambda-emulator bind -p sample_functions/hello/app.py -f greet --handler app.handler
    """
    from emulator.cli.package import read_package

    package = read_package(path)
    if runtime is None or handler is None:
        inferred = _infer(path, package.files)
        runtime, handler = runtime or inferred.runtime, handler or inferred.handler
    server = running_server(endpoint_url)
    _deploy(server, function, package.code, {"Runtime": runtime, "Handler": handler})
    click.echo(f"{function}: {handler} on {runtime}, at {server.url}/fn/{function}")
    if not package.is_live:
        click.echo("It was uploaded: bind it again after a change.", err=True)


@click.command(short_help="Delete a function; its code stays.")
@click.option("-f", "--function", required=True, help="Name of the function.")
@NEEDS_SERVER
def unbind(function: str, endpoint_url: str | None) -> None:
    """Delete a function of a running emulator; its code stays where it is.

    \b
    Example:
      lambda-emulator unbind -f greet
    """
    from emulator.cli.server import function_path

    answer = running_server(endpoint_url).delete(function_path(function))
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise answer.refusal
    click.echo(f"{function}: unbound")


def _infer(path: Path, files: "Files") -> "Inferred":
    from emulator.project.inference import CannotInferError, infer

    try:
        return infer(files, _runtime_of)
    except CannotInferError as error:
        raise CommandError(f"{path}: {error}") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None


def _runtime_of(language: str) -> str:
    """What this machine runs without a warning."""
    from emulator.control import CREATABLE
    from emulator.sandbox import interpreters, languages

    if language == "python":
        return interpreters.own_python().runtime
    node = languages.find("nodejs22.x")
    return node.runtime if node and node.runtime in CREATABLE else "nodejs22.x"


def _deploy(
    server: "RunningServer", name: str, code: dict[str, str], configuration: dict[str, str]
) -> None:
    from emulator.cli.server import function_path

    body = {"FunctionName": name, "Role": _ROLE, "Code": code, **configuration}
    answer = server.post(_FUNCTIONS, json.dumps(body).encode(), _HEADERS)
    if answer.status == HTTPStatus.CONFLICT:  # it is there
        path = function_path(name)
        _check(server.put(f"{path}/configuration", json.dumps(configuration).encode(), _HEADERS))
        answer = server.put(f"{path}/code", json.dumps(code).encode(), _HEADERS)
    _check(answer)


def _check(answer: "Answer") -> None:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise answer.refusal
