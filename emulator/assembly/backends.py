"""Where the functions of an emulator run: its backends, and what they are told of the rest."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from emulator.aws import Moto
from emulator.model import FunctionVersion
from emulator.project import EmulatorTable
from emulator.sandbox import Backend, Backends, Credentials, Launcher, languages


def make_backends(
    table: EmulatorTable,
    moto: Moto,
    *,
    run_folder: Path,
    file_systems: Path,
    endpoint_url: Callable[[], str],
    report: Callable[..., None],
) -> Backends:
    """Make them; the one for Docker only when a function needs it.

    file_systems: where those of functions lie.
    """
    surroundings: dict[str, Any] = {
        "run_folder": run_folder,
        "file_systems": file_systems,
        "endpoint_url": endpoint_url,
        "credentials": partial(_credentials, moto),
        "report": report,
    }
    return Backends(
        processes=Launcher(**surroundings),
        make_containers=partial(_make_containers, table, surroundings),
        default=table.sandbox or "",
        has_program=_has_program,
        has_engine=_has_engine,
    )


def _has_program(runtime: str) -> bool:
    return runtime.startswith("provided") or languages.find(runtime) is not None


def _has_engine() -> bool:
    from emulator.sandbox.docker.connection import connect  # see its package
    from emulator.sandbox.docker.route import EngineError

    try:
        connect().client.close()
    except EngineError:
        return False
    return True


def _make_containers(table: EmulatorTable, surroundings: dict[str, Any]) -> Backend:
    from emulator.sandbox.docker.backend import DockerBackend  # see its package
    from emulator.sandbox.docker.route import DockerSettings

    docker = table.docker
    settings = DockerSettings(images=docker.images, host=docker.host, network=docker.network)
    return DockerBackend(settings, **surroundings)


def _credentials(moto: Moto, version: FunctionVersion) -> Credentials:
    issued = moto.credentials.issue(version.account, version.role, version.name)
    return Credentials(
        access_key=issued.access_key,
        secret_key=issued.secret_key,
        session_token=issued.token,
        container_token=issued.container_token,
    )
