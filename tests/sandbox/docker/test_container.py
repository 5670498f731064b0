from pathlib import Path
from typing import Any

import pytest

from emulator.model import FunctionVersion, ImageConfig
from emulator.sandbox.docker.container import ContainerSpec, Folder, start_command
from emulator.sandbox.docker.pulling import Image
from tests.sandbox.versions import version

IMAGE = Image(name="i", id="sha256:0", entrypoint=("/entry",), command=("own",))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (version(), (["/entry"], ["app.handler"])),
        (version("i"), (["/entry"], ["own"])),
        (
            version("i", image_config=ImageConfig(command=("a", "b"))),
            (["/entry"], ["a", "b"]),
        ),
        (version("i", image_config=ImageConfig(entry_point=("/e",))), (["/e"], [])),
        (
            version("i", image_config=ImageConfig(entry_point=("/e",), command=("a",))),
            (["/e"], ["a"]),
        ),
    ],
)
def test_the_handler_or_the_functions_settings_are_the_command(
    function: FunctionVersion, expected: tuple[list[str], list[str]]
) -> None:
    assert start_command(function, IMAGE) == expected


def spec(**more: Any) -> ContainerSpec:
    defaults: dict[str, Any] = {
        "extension": None,
        "joins": None,
        "tmp": None,
        "version": version(memory_mib=256, ephemeral_storage_mib=1024),
        "image": IMAGE,
        "variables": {"A": "b"},
        "labels": {"l": "1"},
        "network": "host",
        "folders": [Folder(target="/var/task", path=Path("/code"))],
        "log_pipe": None,
        "limits_tmp": True,
    }
    return ContainerSpec(**{**defaults, **more})


def test_limits_are_those_of_the_function() -> None:
    host = spec().host_config()
    assert host["mem_limit"] == host["memswap_limit"] == 256 * 1024 * 1024
    assert host["read_only"]
    tmp = host["mounts"][-1]
    assert tmp["Target"] == "/tmp"
    assert tmp["VolumeOptions"]["DriverConfig"]["Options"] == {"size": "1024m"}
    unlimited = spec(limits_tmp=False).host_config()["mounts"][-1]
    assert unlimited["VolumeOptions"]["DriverConfig"]["Options"] == {}


def test_containers_of_one_environment_share_tmp_and_the_network() -> None:
    first = spec(extension="watcher", tmp="t")
    assert first.config()["entrypoint"] == ["/opt/extensions/watcher"]
    assert first.config()["command"] == []
    assert first.host_config()["network_mode"] == "host"
    assert first.tmp_volume()["driver_opts"] == {"size": "1024m"}
    second = spec(tmp="t", joins="c1").host_config()
    assert second["network_mode"] == "container:c1"
    assert second["mounts"][-1] == {"Type": "volume", "Target": "/tmp", "Source": "t"}


def test_code_is_shown_read_only_from_a_folder_or_a_volume() -> None:
    bind = {"Type": "bind", "Source": "/code", "Target": "/var/task", "ReadOnly": True}
    assert spec().host_config()["mounts"][0] == bind
    volume = spec(folders=[Folder(target="/var/task", volume="v")]).host_config()["mounts"][0]
    assert volume == {"Type": "volume", "Source": "v", "Target": "/var/task", "ReadOnly": True}


def test_with_a_log_pipe_a_shell_puts_the_program_in_its_place() -> None:
    config = spec(log_pipe=Path("/run/log")).config()
    assert config["entrypoint"][0] == "/bin/sh"
    assert config["entrypoint"][-1] == "/entry"
    assert spec().config()["entrypoint"] == ["/entry"]


def test_a_working_directory_is_set_where_the_function_names_one() -> None:
    settings = ImageConfig(working_directory="/work")
    assert spec(version=version("i", image_config=settings)).config()["working_dir"] == "/work"
    assert "working_dir" not in spec().config()
