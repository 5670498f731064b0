"""The connection to the engine that `docker` itself would use, and what that engine is."""

import os
import platform
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emulator.sandbox.docker.route import Engine, EngineError, describe

if TYPE_CHECKING:
    import docker

_TIMEOUT_S: Final = 120  # for one answer: an engine may be starting fifty containers
_CONNECTIONS: Final = 32
_TARGET: Final = "/lambda-emulator-probe"
NO_ENGINE: Final = (
    "No Docker engine answers at {url} ({error}). Start one (Docker Desktop, or `dockerd`), or set"
    " DOCKER_HOST to where it is."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """An engine that answered."""

    client: "docker.APIClient"
    engine: Engine


def connect() -> Connection:
    """Connect as the `docker` command does: DOCKER_HOST, or its current context.

    Raises EngineError when nothing answers.
    """
    # Imported late: it takes a tenth of a second, and most emulators never need it.
    import docker
    import requests

    url = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    try:
        url, options = _address()
        client = docker.APIClient(
            version="auto", timeout=_TIMEOUT_S, max_pool_size=_CONNECTIONS, **options
        )
        info = client.info()
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineError(NO_ENGINE.format(url=url, error=_root_cause(error))) from error
    kernel = platform.release() if sys.platform == "linux" else ""
    own = _own_container(client) if kernel else None
    return Connection(client=client, engine=describe(info, url, kernel, own))


def _address() -> tuple[str, dict[str, Any]]:
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    options: dict[str, Any] = dict(kwargs_from_env())
    if "base_url" not in options:
        context = ContextAPI.get_current_context()
        if context is not None and context.name != "default" and context.Host:
            options |= {"base_url": context.Host, "tls": context.TLSConfig or False}
    url = os.environ.get("DOCKER_HOST") or options.get("base_url") or "unix:///var/run/docker.sock"
    return url, options


def _root_cause(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error)


def _own_container(client: "docker.APIClient") -> str | None:
    """The container that this process runs in, when it is one of this engine's."""
    import docker

    if not Path("/.dockerenv").exists():
        return None
    try:
        found: str = client.inspect_container(socket.gethostname())["Id"]
    except docker.errors.APIError:
        return None
    return found


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn what the engine, or the way to it, raises into EngineError."""
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineError(f"{what}: {explanation(error)}") from error


def explanation(error: Exception) -> str:
    """What the engine says about a request that it refused."""
    return str(getattr(error, "explanation", None) or error)


def shares_files(client: "docker.APIClient", image: str, probe: Path) -> bool:
    """Tell whether the engine sees this machine's files: it is shown one and asked what is in it.

    probe: a file with a text that no other file has.
    """
    import docker

    mount: Any = {"Type": "bind", "Source": str(probe), "Target": _TARGET, "ReadOnly": True}
    config = client.create_host_config(mounts=[mount], network_mode="none")
    try:
        container = client.create_container(image, ["probe"], host_config=config)["Id"]
    except docker.errors.APIError:  # it has no such file
        return False
    try:
        chunks, _ = client.get_archive(container, _TARGET)
        return probe.read_bytes() in b"".join(chunks)
    except docker.errors.APIError:
        return False
    finally:
        client.remove_container(container, force=True)
