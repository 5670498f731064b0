"""Whose containers and volumes are whose: labels, and what killed emulators left behind."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import docker

_PREFIX: Final = "lambda-emulator."
RUN: Final = _PREFIX + "run"  # the folder that is locked while its emulator lives
MACHINE: Final = _PREFIX + "machine"  # where that folder is
FUNCTION: Final = _PREFIX + "function"
ENVIRONMENT: Final = _PREFIX + "environment"


class Ownership:
    """What belongs to one running emulator. Any thread may call."""

    def __init__(self, client: "docker.APIClient", run_folder: Path) -> None:
        self._client = client
        self._machine = socket.gethostname()
        self._run = str(run_folder)

    @property
    def label(self) -> str:
        """The label that all of this emulator's containers have."""
        return f"{RUN}={self._run}"

    def labels(self, *, function: str = "", environment: str = "") -> dict[str, str]:
        """Labels for a new container or volume."""
        labels = {RUN: self._run, MACHINE: self._machine}
        if function:
            labels |= {FUNCTION: function, ENVIRONMENT: environment}
        return labels

    def remove_own(self) -> None:
        """Remove everything that is left of this emulator."""
        self._remove(lambda labels: labels.get(RUN) == self._run)

    def remove_abandoned(self) -> None:
        """Remove what emulators of this machine left behind that were killed."""
        self._remove(self._is_abandoned)

    def _is_abandoned(self, labels: Mapping[str, str]) -> bool:
        run = labels.get(RUN, "")
        is_foreign = labels.get(MACHINE) != self._machine or run == self._run
        return not is_foreign and not is_locked(Path(run))

    def _remove(self, is_meant: Any) -> None:
        filters = {"label": [RUN]}
        for container in self._client.containers(all=True, filters=filters):
            if is_meant(container["Labels"]):
                remove_container(self._client, container["Id"])
        for volume in self._client.volumes(filters=filters)["Volumes"] or ():
            if is_meant(volume["Labels"] or {}):
                remove_volume(self._client, volume["Name"])


def remove_container(client: "docker.APIClient", container: str) -> None:
    """Remove a container with its volumes, running or not; one that is gone is no error."""
    import docker

    with contextlib.suppress(docker.errors.APIError):  # gone, or being removed
        client.remove_container(container, force=True, v=True)


def remove_volume(client: "docker.APIClient", name: str) -> None:
    """Remove a volume; one that is gone, or still in use, is no error."""
    import docker

    with contextlib.suppress(docker.errors.APIError):
        client.remove_volume(name, force=True)


def is_locked(folder: Path) -> bool:
    """Tell whether a living emulator holds `folder` (see `RunFolder`)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
