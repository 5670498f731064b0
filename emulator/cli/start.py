"""`lambda-emulator start`: from the command line to a clean stop."""

import contextlib
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from emulator.app import Emulator
from emulator.cli.errors import INTERRUPTED, CommandError
from emulator.cli.table import table
from emulator.gateway import ListenError
from emulator.model import FunctionVersion
from emulator.model.triggers.http import PROJECT_API, HttpTrigger
from emulator.model.triggers.nats import DEFAULT_URL, parse_url
from emulator.project import ProjectError
from emulator.sandbox import DOCKER, DebugTarget, PortTaken, languages
from emulator.settings import Settings
from emulator.storage import FolderError, StorageError

_DESCRIPTORS: Final = 10_240


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    signals = _Signals()
    _raise_descriptor_limit()
    try:
        emulator = signals.emulator = Emulator(settings, sys.stderr)
    except (PortTaken, ProjectError) as error:
        raise CommandError(str(error)) from None
    except StorageError as error:
        raise _unusable(error) from None
    try:
        emulator.start()
        _tune_the_interpreter()
        if not signals.asked.is_set():
            _announce(emulator, settings)
        signals.asked.wait()
    except (ListenError, ProjectError) as error:
        raise CommandError(str(error)) from None
    except StorageError as error:
        raise _unusable(error) from None
    finally:
        _stop(emulator)


def nats_server(text: str | None) -> str | None:
    """Check the address of a NATS server; None stands for the project's."""
    if not text:
        return None
    url = parse_url(text)
    if url is None:
        raise CommandError(f'"{text}" is not the address of a NATS server like {DEFAULT_URL}')
    return url


def debug_targets(texts: Sequence[str]) -> tuple[DebugTarget, ...]:
    """Read what `--debug` was given: NAME or NAME:PORT, each function and port once."""
    targets = tuple(map(_debug_target, texts))
    for what in ("name", "port"):
        values = [value for target in targets if (value := getattr(target, what)) is not None]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise CommandError(f"--debug: {what} {twice} is given twice")
    return targets


def _debug_target(text: str) -> DebugTarget:
    name, colon, port = text.partition(":")
    if not name or (colon and not (port.isdecimal() and 0 < int(port) < 65_536)):
        raise CommandError(f'--debug: "{text}" is not NAME or NAME:PORT, like hello or hello:5678')
    return DebugTarget(name=name, port=int(port) if colon else None)


def _unusable(error: StorageError) -> CommandError:
    text = f"--data-dir: {error}"
    if not isinstance(error, FolderError):  # which says what to do
        text += "\nChoose another folder, or move this one away to begin with an empty one."
    return CommandError(text)


def _tune_the_interpreter() -> None:
    """Keep the interpreter's own business off the path of invocations."""
    _spare_the_collector()
    # All Invokes share one thread, which gives the interpreter's lock up at each system call. A
    # thread that computes, one of moto's with a large table, would give it back only after 5 ms:
    # 400 invocations a second beside one DynamoDB scan after the other, and 1,300 with 1 ms.
    sys.setswitchinterval(0.001)


def _spare_the_collector() -> None:
    """Look for reference cycles seldom, and never among what a start has loaded.

    Nothing on the path of a request makes cycles, and with a service of moto loaded a look takes
    milliseconds: a tenth of the time of a warm invocation, and most of what the slowest ones took.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


class _Signals:
    """The first SIGINT or SIGTERM sets `asked`; the second one ends the process.

    Python runs handlers on the main thread, which sleeps through a signal that comes when it is
    just going to sleep on a lock. So the thread "signals" does the work: it reads the byte that
    the interpreter writes as each signal comes.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.emulator: Emulator | None = None
        self._signals, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def _listen(self) -> None:
        os.read(self._signals, 1)
        self.asked.set()
        if self.emulator is not None:
            self.emulator.hurry()
        os.read(self._signals, 1)
        if self.emulator is not None:
            self.emulator.abandon()
        # The zygotes end with their sockets to us, and what they started ends with them.
        os._exit(INTERRUPTED)


def _announce(emulator: Emulator, settings: Settings) -> None:
    functions = sorted(emulator.rooms.store.functions(), key=lambda version: version.name)
    if settings.log_format == "json":
        for version in functions:
            emulator.rooms.reporter.event("function.deployed", **_fields(emulator, version))
    else:
        _tell(_overview(functions, emulator, settings))
    _tell(f"Ready on {emulator.rooms.endpoint}")


def _fields(emulator: Emulator, version: FunctionVersion) -> dict[str, Any]:
    return {
        "function": version.name,
        "runtime": version.runtime or "image",
        "runs_on": _runs_on(emulator, version),
        "timeout_s": version.timeout_s,
        "memory_mib": version.memory_mib,
        "triggers": ", ".join(emulator.rooms.deployer.triggers_of(version)) or None,
        "url": emulator.rooms.url_of(version),
    }


def _overview(functions: Sequence[FunctionVersion], emulator: Emulator, settings: Settings) -> str:
    text = (
        f"No functions in {settings.project.absolute()}: create them with the AWS CLI or an SDK,"
        " or describe them in an emulator.toml or a template.yaml there."
    )
    if functions:
        headings = ("FUNCTION", "RUNTIME", "RUNS ON", "TIMEOUT", "MEMORY", "TRIGGERS")
        shown = [_fields(emulator, version) for version in functions]
        text = table(headings, [_row(fields) for fields in shown])
        urls = [(fields["function"], fields["url"]) for fields in shown if fields["url"]]
        text += f"\n\n{table(('FUNCTION', 'URL'), urls)}" if urls else ""
    if apis := _apis(emulator):
        text += f"\n\n{table(('API', 'URL, WITHOUT THE PATH OF A ROUTE'), apis)}"
    return (
        f"{text}\n\nAWS APIs            --endpoint-url {emulator.rooms.endpoint}\n"
        f"Functions by HTTP   {emulator.rooms.endpoint}/fn/NAME\n"
    )


def _apis(emulator: Emulator) -> list[tuple[str, str]]:
    """Return the names and addresses of the project's APIs."""
    deployer = emulator.rooms.deployer
    apis = dict(deployer.apis)
    declared = deployer.project.functions.values()
    if any(isinstance(trigger, HttpTrigger) for each in declared for trigger in each.triggers):
        apis[PROJECT_API] = f"{emulator.rooms.endpoint}/_aws/execute-api/{PROJECT_API}"
    return sorted(apis.items())


def _row(fields: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        fields["function"],
        fields["runtime"],
        fields["runs_on"],
        f"{fields['timeout_s']} s",
        f"{fields['memory_mib']} MiB",
        fields["triggers"] or "-",
    )


def _runs_on(emulator: Emulator, version: FunctionVersion) -> str:
    if emulator.rooms.backends.sandbox(version) == DOCKER:
        from emulator.sandbox.docker.images import image_name  # see its package

        return (
            f"Docker: {image_name(version, emulator.rooms.deployer.project.emulator.docker.images)}"
        )
    return _program(version.runtime or "")


def _program(runtime: str) -> str:
    """The program behind a runtime; where its version is another one the name says so."""
    if runtime.startswith("provided"):
        return "its own bootstrap"
    interpreter = languages.find(runtime)
    if interpreter is None:
        return "nothing here: see lambda-emulator doctor"
    instead = "" if languages.is_exact(interpreter, runtime) else f"{interpreter.runtime} instead: "
    return f"{instead}{interpreter.path}"


def _stop(emulator: Emulator) -> None:
    running = emulator.rooms.activity.pending().get("invocations", 0)
    if running:
        plural = "" if running == 1 else "s"
        text = f"Waiting for {running} invocation{plural}; Ctrl-C stops at once."
        emulator.rooms.reporter.notice(text)
    if not emulator.stop():
        os._exit(0)  # Python itself would wait for the terminal


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _raise_descriptor_limit() -> None:
    """An environment takes up to seven descriptors; many systems grant a program 256 or 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # macOS grants less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
