"""Images: pulled where they are missing, looked into once."""

import tarfile
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from emulator.sandbox.docker.connection import engine_errors
from emulator.sandbox.docker.route import EngineError
from emulator.sandbox.report import Report

_MIB: Final = 1024 * 1024
_PROGRESS_S: Final = 5.0  # between two lines about a pull
_SHELL: Final = "/bin/sh"
_EXTENSIONS: Final = "/opt/extensions"
_IN_MEMORY: Final = 16 * _MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What a container of an image would be."""

    name: str
    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]


class Images:
    """The images that functions use. Any thread may call.

    `_lock` guards the tables; an image is pulled, and looked into, under a lock of its own, so
    that it is done once and only who needs it waits.
    """

    def __init__(self, client: Any, labels: Mapping[str, str], report: Report):
        self._client = client
        self._labels = dict(labels)
        self._report = report
        self._lock = threading.Lock()
        self._startable: dict[tuple[str, str], bool] = {}  # by an image's id and the program
        self._extensions: dict[str, Sequence[str]] = {}  # by an image's id
        self._looking: dict[tuple[str, str], threading.Lock] = {}

    def get(self, name: str, platform: str) -> Image:
        """Return an image, pulled if need be; raises EngineError when there is none.

        platform: "linux/amd64" or "linux/arm64", which counts for the pull only.
        """
        with self._lock:
            looking = self._looking.setdefault((name, platform), threading.Lock())
        with looking, engine_errors(f"The engine does not tell about the image {name}"):
            found = self._inspect(name)  # each time: it may have been built anew
            if found is None:
                self._pull(name, platform)
                found = self._client.inspect_image(name)
            config = found["Config"]
            return Image(
                name=name,
                id=found["Id"],
                entrypoint=tuple(config.get("Entrypoint") or ()),
                command=tuple(config.get("Cmd") or ()),
            )

    def _inspect(self, name: str) -> Any:
        import docker

        try:
            return self._client.inspect_image(name)
        except docker.errors.ImageNotFound:
            return None

    def can_start_by_shell(self, image: Image, program: str) -> bool:
        """Tell whether an image has a shell, and `program` for it to start.

        One that is looked up in PATH is taken for there.
        """
        with self._lock:
            looking = self._looking.setdefault((image.id, program), threading.Lock())
        with looking:
            key = (image.id, program)
            if key not in self._startable:
                with engine_errors(f"The engine does not show what is in {image.name}"):
                    paths = [_SHELL, program] if program.startswith("/") else [_SHELL]
                    self._startable[key] = self._has_files(image.name, paths)
            return self._startable[key]

    def extensions(self, image: Image) -> Sequence[str]:
        """Return the names of the executable files in an image's /opt/extensions, sorted."""
        with self._lock:
            looking = self._looking.setdefault((image.id, _EXTENSIONS), threading.Lock())
        with looking:
            if image.id not in self._extensions:
                with engine_errors(f"The engine does not show what is in {image.name}"):
                    self._extensions[image.id] = self._executables(image.name, _EXTENSIONS)
            return self._extensions[image.id]

    def _has_files(self, name: str, paths: Iterable[str]) -> bool:
        import docker

        with self._container(name) as container:
            try:
                for path in paths:
                    self._client.get_archive(container, path)[0].close()
            except docker.errors.NotFound:
                return False
        return True

    def _executables(self, name: str, folder: str) -> Sequence[str]:
        import docker

        with self._container(name) as container:
            try:
                chunks, _ = self._client.get_archive(container, folder)
            except docker.errors.NotFound:
                return ()
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
                for chunk in chunks:
                    file.write(chunk)
                file.seek(0)
                with tarfile.open(fileobj=file) as archive:
                    found = [entry for entry in archive if entry.name.count("/") == 1]
        return sorted(
            entry.name.partition("/")[2]
            for entry in found
            if not entry.isdir() and entry.mode & 0o111
        )

    @contextmanager
    def _container(self, image: str) -> Iterator[str]:
        """A container that nobody starts, to look into."""
        container: str = self._client.create_container(image, ["look"], labels=self._labels)["Id"]
        try:
            yield container
        finally:
            self._client.remove_container(container, force=True, v=True)

    def _pull(self, name: str, platform: str) -> None:
        repository, tag = split_name(name)
        self._report("docker.pulling", image=name, platform=platform)
        started = told = time.monotonic()
        layers: dict[str, tuple[int, int]] = {}
        hint = (
            f"{name} is not on the Docker engine and cannot be pulled. Check the name and the"
            " network; pull or build it yourself; or name another one in [emulator.images]"
        )
        with engine_errors(hint):
            for line in self._client.pull(
                repository, tag=tag, platform=platform, stream=True, decode=True
            ):
                if "error" in line:
                    raise EngineError(f"{hint}: {line['error']}")
                _note_progress(layers, line)
                if time.monotonic() - told >= _PROGRESS_S:
                    told = time.monotonic()
                    self._report("docker.pulling", image=name, **_progress(layers))
        self._report("docker.pulled", image=name, ms=(time.monotonic() - started) * 1000)


def split_name(name: str) -> tuple[str, str]:
    """`registry:5000/python:3.12` -> its repository and tag; a digest counts as a tag."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def _note_progress(layers: dict[str, tuple[int, int]], line: Mapping[str, Any]) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("status") == "Downloading" and detail.get("total"):
        layers[line.get("id", "")] = (detail.get("current", 0), detail["total"])
    elif line.get("status") == "Download complete" and line.get("id") in layers:
        total = layers[line["id"]][1]
        layers[line["id"]] = (total, total)


def _progress(layers: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    return {
        "done_mib": sum(done for done, _ in layers.values()) // _MIB,
        "of_mib": sum(total for _, total in layers.values()) // _MIB,
    }
