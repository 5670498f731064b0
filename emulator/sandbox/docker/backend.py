"""Runtime processes in containers: for exact base images, and for container-image functions."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox.docker.connection import engine_errors
from emulator.sandbox.docker.container import ContainerSpec, Folder, start_command
from emulator.sandbox.docker.images import PLATFORMS, image_name
from emulator.sandbox.docker.logs import open_pipe
from emulator.sandbox.docker.machine import Machine
from emulator.sandbox.docker.ownership import remove_container, remove_volume
from emulator.sandbox.docker.pausing import ContainerSuspension
from emulator.sandbox.docker.process import ContainerProcess
from emulator.sandbox.docker.pulling import Image
from emulator.sandbox.docker.route import LOOPBACK, DockerSettings, EngineError
from emulator.sandbox.docker.start import Container, start
from emulator.sandbox.file_systems import FileSystems
from emulator.sandbox.layers import LayerFolders, external_extensions
from emulator.sandbox.process import Launch
from emulator.sandbox.report import Report
from emulator.sandbox.suspension import Suspension
from emulator.sandbox.variables import Credentials, container_variables

_SHELL: Final = "sh"
_REMOVERS: Final = 8  # containers removed at a time when the emulator stops


class DockerBackend:
    """Starts each environment's runtime in a container of its own, and each extension in another.

    An environment's containers share the network and /tmp. After a reset the same containers start
    again, with what is in /tmp. Any thread may call.
    `_lock` guards the tables, `_connecting` lets one thread connect to the engine while others
    that need it wait; neither is held while a container is made, started or removed.
    """

    def __init__(
        self,
        settings: DockerSettings,
        *,
        run_folder: Path,
        endpoint_url: Callable[[], str],
        credentials: Callable[[FunctionVersion], Credentials],
        report: Report,
        file_systems: Path | None = None,
    ) -> None:
        """file_systems: where those of functions lie; None: below the run folder."""
        self._settings = settings
        self._run_folder = run_folder
        self._endpoint_url = endpoint_url
        self._credentials = credentials
        self._report = report
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._machine: Machine | None = None
        self._containers: dict[str, dict[str | None, Container]] = {}  # by environment, extension
        self._volumes: dict[str, str] = {}  # the /tmp of environments with several containers
        self._layers = LayerFolders(run_folder / "docker")
        self._file_systems = FileSystems(file_systems or run_folder / "file_systems", report)
        self._told: set[tuple[str, str]] = set()
        self._is_closed = False

    def listens_on(self, _version: FunctionVersion) -> str:
        """Where the Runtime API has to listen so that a container reaches it."""
        with _lambda_errors():
            return self._connected().route.listens_on

    def lets_debuggers_in(self, version: FunctionVersion) -> bool:
        """See `Backend.lets_debuggers_in`: a port in a container cannot be reached from here."""
        return False

    def obstacle_to_snapshots(self, version: FunctionVersion) -> str | None:
        """See `Backend.obstacle_to_snapshots`."""
        return "it runs in a container, and engines copy none that runs"

    def launch(self, launch: Launch) -> ContainerProcess:
        """Start a container of an environment; see `Backend.launch`."""
        assert launch.debug is None  # see `lets_debuggers_in`
        assert launch.snapshot_fd is None  # see `obstacle_to_snapshots`
        with _lambda_errors():
            machine = self._connected()
            container = self._containers.get(launch.environment_id, {}).get(launch.extension)
            return start(machine, container or self._create(machine, launch))

    def extensions(self, version: FunctionVersion) -> Sequence[str]:
        """Return the names of the external extensions of its layers, or of its image."""
        if version.code.image is None:
            return external_extensions(self._layers.folder(version))
        with _lambda_errors():
            machine = self._connected()
            return machine.images.extensions(self._image(machine, version))

    def _tell_once(self, event: str, **fields: object) -> None:
        with self._lock:
            is_new = (event, str(fields)) not in self._told
            self._told.add((event, str(fields)))
        if is_new and not self._is_closed:
            self._report(event, **fields)

    def suspension(self, _version: FunctionVersion, environment_id: str) -> Suspension:
        """Return what pauses an environment's container."""
        return ContainerSuspension(lambda: self._running(environment_id))

    def freezes_after_s(self, _version: FunctionVersion) -> float:
        """See `Backend.freezes_after_s`: the engine takes some 30 ms to let a container go on."""
        return 1.0

    def _running(self, environment_id: str) -> tuple[Any, Sequence[str]] | None:
        containers = self._containers.get(environment_id)
        if containers is None or self._machine is None:
            return None
        return self._machine.client, [container.id for container in containers.values()]

    def release(self, environment_id: str) -> None:
        """Remove an environment's containers."""
        with self._lock:
            containers = self._containers.pop(environment_id, {})
            volume = self._volumes.pop(environment_id, None)
        if self._machine is None:
            return
        with suppress(EngineError), engine_errors(""):  # what is left, `close` removes
            for container in reversed(containers.values()):  # the last ones use the first's network
                remove_container(self._machine.client, container.id)
            if volume is not None:
                remove_volume(self._machine.client, volume)
            self._machine.forget_folders(environment_id)

    def warm(self, version: FunctionVersion) -> None:
        """Find the engine and the image ahead of the first launch, and tell what is missing."""
        try:
            machine = self._connected()
            machine.sees_files(self._image(machine, version))
        except EngineError as error:
            self._tell_once("docker.unusable", function=version.name, error=str(error))

    def close(self) -> None:
        """Remove all containers."""
        with self._lock:
            self._is_closed = True
            containers = [
                container.id for each in self._containers.values() for container in each.values()
            ]
            self._containers.clear()
            self._volumes.clear()  # with everything else of this emulator
        with self._connecting:
            machine = self._machine
        if machine is None:
            return
        with suppress(EngineError), engine_errors(""):  # an engine that is gone has none, either
            with ThreadPoolExecutor(_REMOVERS, thread_name_prefix="docker-remove") as threads:
                for container in containers:
                    threads.submit(remove_container, machine.client, container)
            machine.close()

    def _connected(self) -> Machine:
        machine = self._machine
        if machine is not None:
            return machine
        with self._connecting:
            if self._is_closed:
                raise EngineError("The emulator is stopping.")
            if self._machine is None:
                self._machine = Machine(
                    self._settings, self._run_folder, self._layers, self._report
                )
            return self._machine

    def _image(self, machine: Machine, version: FunctionVersion) -> Image:
        name = image_name(version, self._settings.images)
        return machine.images.get(name, PLATFORMS[version.architecture])

    def _create(self, machine: Machine, launch: Launch) -> Container:
        version, environment_id = launch.version, launch.environment_id
        variables = container_variables(
            version,
            runtime_api=_through(machine, launch.runtime_api),
            log_stream=launch.log_stream,
            credentials=self._credentials(version),
            endpoint_url=self._endpoint(machine),
        )
        image = self._image(machine, version)
        labels = machine.ownership.labels(function=version.arn, environment=environment_id)
        with self._lock:
            others = [each.id for each in self._containers.get(environment_id, {}).values()]
            tmp = self._volumes.get(environment_id)
        spec = ContainerSpec(
            version=version,
            extension=launch.extension,
            image=image,
            variables=variables,
            labels=labels,
            network=machine.route.network,
            joins=others[0] if others else None,
            folders=[
                *machine.folders(version, image, environment_id),
                *self._mounts(machine, version, image),
            ],
            log_pipe=_shared_pipe(machine, launch, image),
            tmp=tmp,
            limits_tmp=machine.limits_tmp,
        )
        if launch.extension is not None and tmp is None:
            spec = replace(spec, tmp=self._new_tmp(machine, spec, environment_id))
        with engine_errors(f"No container can be made of {image.name}"):
            host_config = machine.client.create_host_config(**spec.host_config())
            made = machine.client.create_container(host_config=host_config, **spec.config())
        container = Container(id=made["Id"], log_pipe=spec.log_pipe)
        with self._lock:
            if not self._is_closed:
                self._containers.setdefault(environment_id, {})[launch.extension] = container
                return container
        remove_container(machine.client, container.id)
        raise EngineError("The emulator is stopping.")

    def _mounts(self, machine: Machine, version: FunctionVersion, image: Image) -> Sequence[Folder]:
        mounts = self._file_systems.mounts(version)
        if mounts and not machine.sees_files(image):
            why = "the Docker engine does not see the files of this machine"
            self._file_systems.tell_of_missing(version, why)
            return ()
        return [Folder(target=each.place, path=each.folder, is_writable=True) for each in mounts]

    def _new_tmp(self, machine: Machine, spec: ContainerSpec, environment_id: str) -> str:
        with engine_errors("The Docker engine makes no volume"):
            volume: str = machine.client.create_volume(**spec.tmp_volume())["Name"]
        with self._lock:
            self._volumes[environment_id] = volume
        return volume

    def _endpoint(self, machine: Machine) -> str:
        url = urlsplit(self._endpoint_url())
        if machine.route.host == LOOPBACK:
            return url.geturl()
        return f"{url.scheme}://{machine.route.host}:{url.port}"


def _shared_pipe(machine: Machine, launch: Launch, image: Image) -> Path | None:
    """Make the pipe that a container writes to; None: only the engine can carry its output."""
    if not (machine.engine.shares_kernel and machine.sees_files(image)):
        return None
    extension = launch.extension
    if extension is not None and launch.version.code.image is None:
        program = _SHELL  # what it starts is in a layer, so not in the image
    else:
        entrypoint, command = start_command(launch.version, image, extension)
        program = [*entrypoint, *command, ""][0]
    if not machine.images.can_start_by_shell(image, program):
        return None
    path = launch.tmp_folder.parent / ("log" if extension is None else f"log of {extension}")
    os.close(open_pipe(path))
    return path


def _through(machine: Machine, address: str) -> str:
    port = address.rpartition(":")[2]
    return f"{machine.route.host}:{port}"


@contextmanager
def _lambda_errors() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise LambdaError("InvalidRuntimeException", str(error)) from error
