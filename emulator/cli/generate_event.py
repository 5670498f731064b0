"""`lambda-emulator generate-event`: a command for each source and kind."""

import inspect
import json
from pathlib import Path
from typing import Any

import click

from emulator.cli.errors import CommandError
from emulator.event_sources.samples import FILES, SAMPLES, Sample


def source_group(source: str) -> click.Group:
    """The commands of one source, a command for each kind."""
    text = f"Events of {source}: {', '.join(SAMPLES[source])}."
    group = click.Group(source, help=text)
    for kind, sample in SAMPLES[source].items():
        group.add_command(_command(kind, sample))
    return group


def as_text(event: Any) -> str:
    """The event as it is printed, and as it stands in a file of `events/`."""
    return json.dumps(event, indent=2, ensure_ascii=False)


def write_files(folder: Path) -> None:
    """Write the generated files of `events/`."""
    for name, (source, kind, options) in FILES.items():
        (folder / name).write_text(as_text(SAMPLES[source][kind](**options)) + "\n")


def _command(kind: str, sample: Sample) -> click.Command:
    def show(**options: Any) -> None:
        try:
            event = sample(**options)
        except ValueError as error:
            raise CommandError(str(error)) from None
        click.echo(as_text(event))

    parameters = inspect.signature(sample).parameters.values()
    return click.Command(
        kind,
        params=[_option(parameter) for parameter in parameters],
        callback=show,
        help=inspect.getdoc(sample),
    )


def _option(parameter: inspect.Parameter) -> click.Option:
    flag = f"--{parameter.name.replace('_', '-')}"
    kind = click.IntRange(0) if type(parameter.default) is int else None
    return click.Option([flag], default=parameter.default, type=kind, show_default=True)
