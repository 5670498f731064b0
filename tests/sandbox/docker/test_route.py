from typing import Any

import pytest

from emulator.sandbox.docker.route import (
    DESKTOP_NAME,
    DockerSettings,
    Engine,
    EngineError,
    Route,
    choose_route,
    describe,
)

NATIVE = Engine(is_local=True, shares_kernel=True, is_rootless=False)
DESKTOP = Engine(is_local=True, shares_kernel=False, is_rootless=False)
IN_CONTAINER = Engine(is_local=True, shares_kernel=True, is_rootless=False, own_container="c0")
ROOTLESS = Engine(is_local=True, shares_kernel=True, is_rootless=True)
REMOTE = Engine(is_local=False, shares_kernel=False, is_rootless=False)


def gateway(network: str) -> str | None:
    return {"bridge": "172.17.0.1"}.get(network)


@pytest.mark.parametrize(
    ("engine", "settings", "route"),
    [
        (NATIVE, {}, Route(network="host")),
        (IN_CONTAINER, {}, Route(network="container:c0")),
        (DESKTOP, {}, Route(network="bridge", host=DESKTOP_NAME)),
        (DESKTOP, {"network": "mine"}, Route(network="mine", host=DESKTOP_NAME)),
        (
            NATIVE,
            {"network": "bridge"},
            Route(network="bridge", host="172.17.0.1", listens_on="172.17.0.1"),
        ),
        (
            REMOTE,
            {"host": "laptop.lan"},
            Route(network="bridge", host="laptop.lan", listens_on="0.0.0.0"),
        ),
        (
            ROOTLESS,
            {"host": DESKTOP_NAME, "network": "mine"},
            Route(network="mine", host=DESKTOP_NAME),
        ),
    ],
)
def test_a_container_reaches_this_machine(
    engine: Engine, settings: dict[str, Any], route: Route
) -> None:
    assert choose_route(engine, DockerSettings(**settings), gateway) == route


@pytest.mark.parametrize(
    ("engine", "settings", "text"),
    [
        (REMOTE, {}, "is on another machine"),
        (ROOTLESS, {}, "is rootless"),
        (NATIVE, {"network": "none"}, 'network "none" has no gateway'),
    ],
)
def test_where_only_the_user_can_know_the_way_the_setting_is_named(
    engine: Engine, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(EngineError, match=text) as refused:
        choose_route(engine, DockerSettings(**settings), gateway)
    assert "Set `host` in [emulator.docker]" in str(refused.value)


@pytest.mark.parametrize(
    ("info", "url", "engine"),
    [
        ({"KernelVersion": "6.1"}, "unix:///var/run/docker.sock", NATIVE),
        ({"KernelVersion": "6.1"}, "tcp://127.0.0.1:2375", NATIVE),
        ({"KernelVersion": "6.10-linuxkit"}, "unix:///var/run/docker.sock", DESKTOP),
        (
            {"KernelVersion": "6.1", "SecurityOptions": ["name=seccomp", "name=rootless"]},
            "unix:///run/user/1000/docker.sock",
            ROOTLESS,
        ),
        ({"KernelVersion": "5.15"}, "ssh://somewhere", REMOTE),
    ],
)
def test_an_engine_is_known_by_its_address_and_what_it_tells(
    info: dict[str, Any], url: str, engine: Engine
) -> None:
    assert describe(info, url, "6.1", None) == engine
