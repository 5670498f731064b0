"""`lambda-emulator start`: from the command line to a clean stop."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

import click

from emulator.app import Emulator, Settings
from emulator.cli.errors import CommandError
from emulator.cli.table import table
from emulator.gateway import ListenError
from emulator.model import FunctionVersion
from emulator.project import ProjectError
from emulator.sandbox import interpreters

_STOPPED_AT_ONCE: Final = 130  # what a shell shows for a program that Ctrl-C ended


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop_asked = _on_signals()
    try:
        emulator = Emulator(settings, sys.stderr)
    except ProjectError as error:
        raise CommandError(str(error)) from None
    try:
        emulator.start()
        _announce(emulator, settings)
        stop_asked.wait()
    except (ListenError, ProjectError) as error:
        raise CommandError(str(error)) from None
    finally:
        _stop(emulator)


def _on_signals() -> threading.Event:
    """The event that the first SIGINT or SIGTERM sets; the second one ends the process."""
    asked = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            # The zygotes end with their sockets to us, and what they started ends with them.
            os._exit(_STOPPED_AT_ONCE)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return asked


def _announce(emulator: Emulator, settings: Settings) -> None:
    functions = sorted(emulator.store.functions(), key=lambda version: version.name)
    rows = [_row(emulator, version) for version in functions]
    if settings.log_format == "json":
        for row in rows:
            emulator.reporter.event("function.deployed", **dict(zip(_KEYS, row, strict=True)))
    elif rows:
        _tell(table(_HEADINGS, rows))
    else:
        _tell(
            f"No functions in {settings.project.absolute()}: create them with the AWS CLI or an"
            " SDK, or describe them in an emulator.toml there."
        )
    if settings.log_format == "text":
        _tell(f"\nAWS APIs            --endpoint-url {emulator.endpoint}")
        _tell(f"Functions by HTTP   {emulator.endpoint}/fn/NAME\n")
    _tell(f"Ready on {emulator.endpoint}")


_HEADINGS: Final = ("FUNCTION", "RUNTIME", "RUNS ON", "TIMEOUT", "MEMORY", "TRIGGERS")
_KEYS: Final = ("function", "runtime", "runs_on", "timeout", "memory", "triggers")


def _row(emulator: Emulator, version: FunctionVersion) -> tuple[str, ...]:
    declared = emulator.deployer.project.functions[version.name]
    return (
        version.name,
        version.runtime or "",
        _runs_on(version.runtime or ""),
        f"{version.timeout_s} s",
        f"{version.memory_mib} MiB",
        ", ".join(trigger.summary for trigger in declared.triggers) or "-",
    )


def _runs_on(runtime: str) -> str:
    """The program behind a runtime; where its version is another one the name says so."""
    if runtime.startswith("provided"):
        return "its own bootstrap"
    interpreter = interpreters.find(runtime)
    if interpreter is None:
        return "nothing here: see lambda-emulator doctor"
    instead = "" if interpreter.runtime == runtime else f"{interpreter.runtime} instead: "
    return f"{instead}{interpreter.path}"


def _stop(emulator: Emulator) -> None:
    running = emulator.activity.pending().get("invocations", 0)
    if running:
        plural = "" if running == 1 else "s"
        _tell(f"Waiting for {running} invocation{plural}; Ctrl-C stops at once.")
    lost = emulator.stop()
    if lost:
        _tell(f"{lost} accepted events did not get to run.")


def _tell(text: str) -> None:
    click.echo(text, err=True)
