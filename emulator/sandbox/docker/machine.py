"""One engine that answered, and what this emulator keeps there."""

import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from emulator.model import FunctionVersion
from emulator.sandbox.docker.connection import connect, engine_errors, shares_files
from emulator.sandbox.docker.container import Folder
from emulator.sandbox.docker.copies import Copies
from emulator.sandbox.docker.exits import Exits
from emulator.sandbox.docker.logs import LogRelay
from emulator.sandbox.docker.ownership import Ownership, remove_volume
from emulator.sandbox.docker.pulling import Image, Images
from emulator.sandbox.docker.route import DockerSettings, choose_route
from emulator.sandbox.layers import LayerFolders
from emulator.sandbox.report import Report

_TASK_ROOT: Final = "/var/task"
_LAYERS: Final = "/opt"


class Machine:
    """An engine with its containers' images, folders, logs and ends. Any thread may call.

    `_lock` is held while the one question is asked that needs an image: does it see our files.
    """

    def __init__(
        self, settings: DockerSettings, run_folder: Path, layers: LayerFolders, report: Report
    ) -> None:
        """Connect; raises EngineError. Removes what killed emulators left there."""
        connection = connect()
        self.client = connection.client
        self.engine = connection.engine
        with engine_errors("The Docker engine does not answer"):
            self.route = choose_route(self.engine, settings, self._gateway)
            self.ownership = Ownership(self.client, run_folder)
            self.ownership.remove_abandoned()
            self.limits_tmp = self._limits_volumes()
        if not self.limits_tmp:
            report(
                "docker.without_tmp_limit",
                effect="/tmp in containers may grow beyond EphemeralStorage",
                hint="the engine's volumes have a size where its data is on XFS with pquota",
            )
        self.images = Images(self.client, self.ownership.labels(), report)
        self.exits = Exits(self.client, self.ownership.label)
        self.logs = LogRelay()
        self._copies = Copies(self.client, self.ownership.labels())
        self._layers = layers
        self._run_folder = run_folder
        self._lock = threading.Lock()
        self._shares_files: bool | None = None

    def sees_files(self, image: Image) -> bool:
        """Tell whether it sees this machine's files; asked once."""
        with self._lock:
            if self._shares_files is None:
                probe = self._run_folder / "docker-probe"
                probe.write_text(uuid.uuid4().hex)
                is_possible = self.engine.is_local
                with engine_errors("The Docker engine does not show its files"):
                    self._shares_files = is_possible and shares_files(
                        self.client, image.name, probe
                    )
                probe.unlink()
            return self._shares_files

    def folders(self, version: FunctionVersion, image: Image, environment: str) -> Sequence[Folder]:
        """What a container for `version` is shown, copied there first where that is needed."""
        if version.code.image is not None:
            return ()
        shown = {_TASK_ROOT: version.code.folder}
        if (layers := self._layers.folder(version)) is not None:
            shown[_LAYERS] = layers
        if self.sees_files(image):
            return [Folder(target=target, path=path) for target, path in shown.items()]
        return [
            Folder(
                target=target,
                volume=self._copies.volume(
                    (version.deployment, target), path, user=environment, image=image.name
                ),
            )
            for target, path in shown.items()
        ]

    def forget_folders(self, environment: str) -> None:
        """An environment is gone: so are copies that only it was shown."""
        self._copies.release(environment)

    def close(self) -> None:
        """Remove everything that is there of this emulator, and end the threads."""
        with engine_errors("Containers are left on the Docker engine"):
            self.ownership.remove_own()
        self.exits.close()
        self.logs.close()
        self.client.close()

    def _gateway(self, network: str) -> str | None:
        configs = self.client.inspect_network(network)["IPAM"]["Config"] or ()
        return next((config["Gateway"] for config in configs if "Gateway" in config), None)

    def _limits_volumes(self) -> bool:
        import docker

        options: Any = {"size": "1m"}
        try:
            volume = self.client.create_volume(
                driver="local", driver_opts=options, labels=self.ownership.labels()
            )["Name"]
        except docker.errors.APIError:
            return False
        remove_volume(self.client, volume)
        return True
