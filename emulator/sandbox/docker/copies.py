"""Folders copied to an engine that does not see this machine's files."""

import os
import tarfile
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from emulator.sandbox.docker.connection import engine_errors
from emulator.sandbox.docker.ownership import remove_volume

if TYPE_CHECKING:
    import docker

_MOUNT: Final = "/copy"
_IN_MEMORY: Final = 16 * 1024 * 1024


class Copies:
    """Volumes with copies of folders, one for each state of a folder that is in use.

    Any thread may call. `_lock` guards the table; a folder is copied under a lock of its own.
    """

    def __init__(self, client: "docker.APIClient", labels: Mapping[str, str]) -> None:
        self._client = client
        self._labels = dict(labels)
        self._lock = threading.Lock()
        self._volumes: dict[object, str] = {}  # by state
        self._users: dict[object, set[str]] = {}  # by state: environments
        self._copying: dict[object, threading.Lock] = {}

    def volume(self, state: object, folder: Path, *, user: str, image: str) -> str:
        """Return the volume that holds `folder` as it was when `state` was first asked for.

        user: the environment that will be shown it; image: any that the engine has.
        """
        with self._lock:
            self._users.setdefault(state, set()).add(user)
            copying = self._copying.setdefault(state, threading.Lock())
        with copying:
            if state not in self._volumes:
                self._volumes[state] = self._copy(folder, image)
            return self._volumes[state]

    def release(self, user: str) -> None:
        """Remove the volumes that nobody but this environment used."""
        with self._lock:
            unused = [
                state for state, users in self._users.items() if user in users and len(users) == 1
            ]
            for users in self._users.values():
                users.discard(user)
            volumes = [self._volumes.pop(state) for state in unused if state in self._volumes]
            for state in unused:
                del self._users[state], self._copying[state]
        for volume in volumes:
            remove_volume(self._client, volume)

    def _copy(self, folder: Path, image: str) -> str:
        with engine_errors(f"{folder} cannot be copied to the Docker engine"):
            volume: str = self._client.create_volume(labels=self._labels)["Name"]
            mount: Any = {"Type": "volume", "Source": volume, "Target": _MOUNT}
            config = self._client.create_host_config(mounts=[mount], network_mode="none")
            container = self._client.create_container(
                image, ["copy"], host_config=config, labels=self._labels
            )["Id"]
            try:
                with tempfile.SpooledTemporaryFile(_IN_MEMORY) as archive:
                    _pack(folder, archive)
                    archive.seek(0)
                    self._client.put_archive(container, _MOUNT, archive)
            finally:
                self._client.remove_container(container, force=True)
        return volume


def _pack(folder: Path, file: IO[bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, name, filter=_for_everybody)


def _for_everybody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o555 if entry.isdir() else 0o444  # whoever the image says the user is
    return entry
