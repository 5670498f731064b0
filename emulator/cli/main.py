"""What `lambda-emulator` understands; the work is done in the other modules of this room.

Those are imported when a command runs, so that `invoke` does not pay for what `start` needs.
"""

import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import click
from typing_extensions import override

from emulator import __version__
from emulator.cli.bind import bind, unbind
from emulator.cli.clock import clock
from emulator.cli.endpoint import DEFAULT_PORT, default_port, running_server
from emulator.cli.errors import INTERRUPTED, CommandError
from emulator.cli.nats import nats
from emulator.cli.options import AS_JSON, NEEDS_SERVER, GivenPath, HostName
from emulator.cli.queue import queue
from emulator.cli.settle import reset, settle

WRONG_USE: Final = 2


def main() -> None:
    """Run the command line: exit 0; 1 when the function failed; 2 when it could not be done."""
    try:
        _check_text(sys.argv[1:])
        cli(prog_name="lambda-emulator")
    except CommandError as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
        sys.exit(WRONG_USE)


def _check_text(arguments: Sequence[str]) -> None:
    """Raise CommandError for what no request and no line of output could hold."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise CommandError(f"{argument!a} is not text in UTF-8") from None


class _Commands(click.Group):
    """The commands; Ctrl-C ends one without a word, as it ends other programs."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="lambda-emulator")
def cli() -> None:
    """Run AWS Lambda functions on this machine.

    \b
    Example:
      lambda-emulator start
      lambda-emulator invoke hello --payload '{"key1": "value1"}'
    """


@cli.command()
@click.argument("project", default=".", type=GivenPath())
@click.option(
    "--host",
    default="127.0.0.1",
    type=HostName(),
    show_default=True,
    help="Address to listen on.",
)
@click.option(
    "--port",
    default=DEFAULT_PORT,
    type=click.IntRange(0, 65535),
    envvar="LAMBDA_EMULATOR_PORT",
    show_default=True,
    show_envvar=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    type=GivenPath(file_okay=False),
    help="Keep functions, mappings and accepted events there.  [default: keep nothing]",
)
@click.option("--no-watch", is_flag=True, help="Do not reload functions when their files change.")
@click.option(
    "--log-format",
    default="text",
    type=click.Choice(["text", "json"]),
    show_default=True,
    help="Form of the lines on stderr.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Also answer requests to this host name; may be given more than once.",
)
@click.option(
    "--nats",
    "nats_url",
    envvar="NATS_URL",
    metavar="URL",
    show_envvar=True,
    help="NATS server for subjects bound to functions.  [default: that of emulator.toml, else"
    " nats://127.0.0.1:4222]",
)
@click.option(
    "--debug",
    "debug",
    multiple=True,
    metavar="NAME[:PORT]",
    help="Let a debugger attach to this function at any time; may be given more than once."
    "  [default port: 5678 for Python, 9229 for Node.js, 5005 for Java, or the next free one]",
)
@click.option(
    "--debug-wait", is_flag=True, help="Debugged functions wait for a debugger before they load."
)
def start(
    *,
    no_watch: bool,
    nats_url: str | None,
    debug: tuple[str, ...],
    debug_wait: bool,
    **settings: Any,  # by their names in Settings
) -> None:
    """Run the functions of PROJECT until Ctrl-C.

    PROJECT is a folder with an emulator.toml; by default the current one. A folder without that
    file has no functions, and they can be created with the AWS CLI or an SDK.

    \b
    Example:
      lambda-emulator start --port 0
    """
    # The whole emulator: no other command needs it.
    from emulator.cli.start import debug_targets, nats_server, run
    from emulator.settings import Settings

    if debug_wait and not debug:
        raise CommandError("--debug-wait needs --debug NAME")

    run(
        Settings(
            watch=not no_watch,
            nats_url=nats_server(nats_url),
            debug=debug_targets(debug),
            debug_wait=debug_wait,
            **settings,
        )
    )


@cli.command(short_help="Invoke a function; print its answer and log.")
@click.argument("name")
@click.option(
    "--event", type=click.File("rb"), metavar="FILE", help="File with the event; - reads stdin."
)
@click.option("--payload", metavar="JSON", help="The event itself.  [default: {}]")
@click.option(
    "--type",
    "invocation_type",
    default="RequestResponse",
    type=click.Choice(["RequestResponse", "Event", "DryRun"]),
    show_default=True,
    help="Wait for the answer, only hand over the event, or only check.",
)
@click.option("--qualifier", help="Version or alias to invoke; a durable function needs one.")
@click.option("--tenant-id", metavar="ID", help="Tenant of a function that keeps them apart.")
@NEEDS_SERVER
def invoke(
    name: str,
    event: BinaryIO | None,
    payload: str | None,
    invocation_type: str,
    qualifier: str | None,
    tenant_id: str | None,
    endpoint_url: str | None,
) -> None:
    """Invoke function NAME: its answer on stdout, its log on stderr.

    Exits with 1 when the function failed, with 2 when it could not be invoked.

    \b
    Example:
      lambda-emulator invoke hello --payload '{"key1": "value1"}'
      lambda-emulator invoke resize --event events/s3-put.json
    """
    from emulator.cli.invoke import check_json
    from emulator.cli.invoke import invoke as call

    if event is not None and payload is not None:
        raise click.UsageError("--event and --payload exclude each other.")
    content, source = (payload or "").encode(), "--payload"
    if event is not None:
        content, source = event.read(), event.name
    content = check_json(content, source)
    server = running_server(endpoint_url)
    sys.exit(call(server, name, content, invocation_type, qualifier, tenant_id))


@cli.command("list")
@AS_JSON
@NEEDS_SERVER
def list_(as_json: bool, endpoint_url: str | None) -> None:
    """List the functions of a running emulator.

    \b
    Example:
      lambda-emulator list --json
    """
    from emulator.cli.functions import list_functions

    list_functions(running_server(endpoint_url), as_json=as_json)


@cli.command()
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option(
    "--limit",
    default=100,
    type=click.IntRange(1),
    show_default=True,
    help="Number of lines to begin with.",
)
@NEEDS_SERVER
def logs(name: str, follow: bool, limit: int, endpoint_url: str | None) -> None:
    """Print the log of function NAME.

    \b
    Example:
      lambda-emulator logs hello --follow
    """
    from emulator.cli.logs import show_logs

    show_logs(running_server(endpoint_url), name, limit=limit, follow=follow)


@cli.command(short_help="Tell what this machine lacks, and how to get it.")
@AS_JSON
@click.option("--fetch", is_flag=True, help="Fetch the AWS SDK for Node.js functions now.")
def doctor(as_json: bool, fetch: bool) -> None:
    """Tell what this machine lacks for running functions, and how to get it.

    \b
    Examples:
      lambda-emulator doctor
      lambda-emulator doctor --fetch
    """
    from emulator.cli.doctor import examine, fetch_ahead

    if fetch:
        fetch_ahead()
    examine(default_port(), as_json=as_json)


class _Sources(click.Group):
    """The sources of `generate-event`, loaded when one is asked for."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        from emulator.event_sources.samples import SAMPLES

        return sorted(SAMPLES)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        from emulator.cli.generate_event import source_group

        return source_group(cmd_name)


@cli.command("generate-event", cls=_Sources)
def generate_event() -> None:
    """Print an event as its source would send it.

    \b
    Example:
      lambda-emulator generate-event s3 put --bucket photos --key china.jpg
    """


cli.add_command(queue)
cli.add_command(clock)
cli.add_command(settle)
cli.add_command(reset)
cli.add_command(bind)
cli.add_command(unbind)
cli.add_command(nats)
