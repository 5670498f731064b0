"""What the engine is asked for: one container for an execution environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emulator.model import FunctionVersion
from emulator.sandbox.docker.logs import PIPE_IN_CONTAINER, THROUGH_PIPE
from emulator.sandbox.docker.pulling import Image
from emulator.sandbox.layers import EXTENSIONS
from emulator.sandbox.variables import OF_THE_RUNTIME

_MIB: Final = 1024 * 1024
_PROCESSES: Final = 1024  # spec/execution-environment.md: processes and threads, descriptors
_DESCRIPTORS: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """Files that a container is shown: a folder of this machine, or a volume of the engine."""

    target: str
    path: Path | None = None
    volume: str | None = None
    is_writable: bool = False

    def mount(self) -> dict[str, Any]:
        """The mount, as the engine's API has it."""
        kind = "bind" if self.volume is None else "volume"
        source = self.volume or str(self.path)
        return {
            "Type": kind,
            "Source": source,
            "Target": self.target,
            "ReadOnly": not self.is_writable,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSpec:
    """All that makes up a container."""

    version: FunctionVersion
    extension: str | None  # the external extension it runs; None: the runtime
    image: Image
    variables: Mapping[str, str]
    labels: Mapping[str, str]
    network: str
    joins: str | None  # the container of the same environment whose network it shares
    folders: Sequence[Folder]
    log_pipe: Path | None  # None: the engine carries what it prints
    tmp: str | None  # the volume that the environment's containers share; None: one of its own
    limits_tmp: bool  # the engine's volumes can have a size

    def config(self) -> dict[str, Any]:
        """Arguments for `create_container`, without those of the host."""
        entrypoint, command = start_command(self.version, self.image, self.extension)
        if self.log_pipe is not None:
            entrypoint = [*THROUGH_PIPE, *entrypoint]
        config: dict[str, Any] = {
            "image": self.image.name,
            "entrypoint": entrypoint or None,
            "command": command,
            "environment": self._variables(),
            "labels": dict(self.labels),
        }
        settings = self.version.image_config
        if self.extension is not None:
            config["working_dir"] = "/"
        elif settings is not None and settings.working_directory:
            config["working_dir"] = settings.working_directory
        return config

    def _variables(self) -> dict[str, str]:
        if self.extension is None:
            return dict(self.variables)
        return {name: value for name, value in self.variables.items() if name not in OF_THE_RUNTIME}

    def host_config(self) -> dict[str, Any]:
        """Arguments for `create_host_config`."""
        memory = self.version.memory_mib * _MIB
        return {
            **self._network(),
            "mem_limit": memory,
            "memswap_limit": memory,  # together with swap: there is none
            "pids_limit": _PROCESSES,
            "ulimits": [{"Name": "nofile", "Soft": _DESCRIPTORS, "Hard": _DESCRIPTORS}],
            "read_only": True,
            "ipc_mode": "none",  # no /dev/shm, as in Lambda
            "security_opt": ["no-new-privileges"],
            "log_config": {"Type": "none", "Config": {}},
            "mounts": self._mounts(),
        }

    def tmp_volume(self) -> dict[str, Any]:
        """Arguments for `create_volume`, of the /tmp that several containers share."""
        return {"driver": "local", "driver_opts": self._tmp_options(), "labels": dict(self.labels)}

    def _network(self) -> dict[str, Any]:
        if self.joins is not None:
            return {"network_mode": f"container:{self.joins}"}
        # The environment itself, by the names at which its extensions listen.
        hosts = {"sandbox.localdomain": "127.0.0.1", "sandbox": "127.0.0.1"}
        return {"network_mode": self.network, "extra_hosts": hosts}

    def _mounts(self) -> list[dict[str, Any]]:
        # A volume rather than memory: what lies in /tmp does not count as the function's memory,
        # and is still there when the container starts again.
        tmp: dict[str, Any] = {"Type": "volume", "Target": "/tmp"}
        if self.tmp is not None:
            tmp["Source"] = self.tmp
        else:
            driver = {"Name": "local", "Options": self._tmp_options()}
            tmp["VolumeOptions"] = {"Labels": dict(self.labels), "DriverConfig": driver}
        mounts = [*(folder.mount() for folder in self.folders), tmp]
        if self.log_pipe is not None:
            mounts.append(
                {"Type": "bind", "Source": str(self.log_pipe), "Target": PIPE_IN_CONTAINER}
            )
        return mounts

    def _tmp_options(self) -> dict[str, str]:
        return {"size": f"{self.version.ephemeral_storage_mib}m"} if self.limits_tmp else {}


def start_command(
    version: FunctionVersion, image: Image, extension: str | None = None
) -> tuple[list[str], list[str]]:
    """Entry point and command: an extension's, the image's own, the function's, the handler."""
    if extension is not None:
        return [f"/opt/{EXTENSIONS}/{extension}"], []
    settings = version.image_config
    if version.code.image is None:
        return list(image.entrypoint), [version.handler]
    if settings is None:
        return list(image.entrypoint), list(image.command)
    # As with `docker run`: another entry point does without the command of the image.
    command = settings.command or (() if settings.entry_point else image.command)
    return list(settings.entry_point or image.entrypoint), list(command)
