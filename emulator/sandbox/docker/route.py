"""How a container and this machine find each other: which network, and under which name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

LOOPBACK: Final = "127.0.0.1"
DESKTOP_NAME: Final = "host.docker.internal"  # leads to this machine's loopback address


class EngineError(RuntimeError):
    """There is no engine to work with, or it refuses; the text says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerSettings:
    """What `[emulator.docker]` and `[emulator.images]` say."""

    images: Mapping[str, str] = field(default_factory=dict)  # runtime: image
    host: str | None = None  # name or address under which a container reaches this machine
    network: str | None = None  # that containers are in


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What was found out about an engine."""

    is_local: bool  # reached through a socket or address of this machine
    shares_kernel: bool  # no virtual machine lies between
    is_rootless: bool
    own_container: str | None = None  # the emulator's own, when it runs in one of this engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The network of a container, and how it reaches what listens here."""

    network: str
    host: str = LOOPBACK  # for AWS_LAMBDA_RUNTIME_API and AWS_ENDPOINT_URL
    listens_on: str = LOOPBACK  # where the Runtime API has to listen for that


def choose_route(
    engine: Engine, settings: DockerSettings, gateway: Callable[[str], str | None]
) -> Route:
    """Return the route that fits; raises EngineError where only the user can know.

    gateway: the address this machine has in a network of the engine.
    """
    is_native = engine.is_local and engine.shares_kernel and not engine.is_rootless
    if settings.host is not None:
        listens_on = LOOPBACK if settings.host == DESKTOP_NAME else "0.0.0.0"
        return Route(
            network=settings.network or "bridge", host=settings.host, listens_on=listens_on
        )
    if is_native and settings.network in (None, "host"):
        # As functions that run without Docker, they share the network of the emulator.
        own = engine.own_container
        return Route(network="host" if own is None else f"container:{own}")
    if is_native:
        assert settings.network is not None
        address = gateway(settings.network)
        if address is None:
            raise EngineError(
                f'The Docker network "{settings.network}" has no gateway under which a container'
                " reaches this machine. Set `host` in [emulator.docker] to an address that does."
            )
        return Route(network=settings.network, host=address, listens_on=address)
    if engine.is_local and not engine.is_rootless:
        return Route(network=settings.network or "bridge", host=DESKTOP_NAME)
    kind = "rootless" if engine.is_rootless else "on another machine"
    raise EngineError(
        f"The Docker engine is {kind}, so its containers do not reach this machine at 127.0.0.1."
        " Set `host` in [emulator.docker] to a name or address of this machine that they do"
        " reach, and start the emulator with --host 0.0.0.0."
    )


def is_local(base_url: str) -> bool:
    """Tell whether an engine's address is one of this machine."""
    parts = urlsplit(base_url)
    return parts.scheme in ("unix", "http+unix", "http+docker", "npipe") or parts.hostname in (
        "localhost",
        LOOPBACK,
    )


def describe(info: Mapping[str, Any], base_url: str, kernel: str, own: str | None) -> Engine:
    """Read an engine's answer to `info`.

    kernel: release of this machine's, "" where it is not Linux; own: see `Engine`.
    """
    options = info.get("SecurityOptions") or ()
    return Engine(
        is_local=is_local(base_url),
        shares_kernel=info.get("KernelVersion") == kernel
        and info.get("OperatingSystem") != "Docker Desktop",
        is_rootless=any("rootless" in option for option in options),
        own_container=own,
    )
