"""A Docker engine for the tests: the one DOCKER_HOST names, or one that is started for them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
import psutil
import pytest

from tests import python_image

START_TIMEOUT_S: Final = 40.0
STOP_TIMEOUT_S: Final = 30.0
_PROGRAM: Final = shutil.which("dockerd") or "/usr/sbin/dockerd"
_PREFIX: Final = "lambda-emulator-dockerd-"
_PARENT_DIED: Final = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerEngine:
    """An engine that has the test's image."""

    host: str  # for DOCKER_HOST
    foreign_host: str | None  # an address of the same engine that looks like another machine's
    image: str  # holds python_image.RUNTIME

    @contextmanager
    def client(self) -> Iterator[docker.APIClient]:
        with closing(docker.APIClient(base_url=self.host, version="auto")) as client:
            yield client


@contextmanager
def docker_engine() -> Iterator[DockerEngine]:
    """Find or start an engine, with the image; skips the test where there is none."""
    if not python_image.can_be_made():
        pytest.skip("an image can be made on Linux only, and with awslambdaric installed")
    host = os.environ.get("DOCKER_HOST")
    if host:
        with _with_image(host) as engine:
            yield engine
        return
    if os.geteuid() != 0 or not Path(_PROGRAM).exists():
        pytest.skip("needs DOCKER_HOST, or root and dockerd (Debian: apt-get install docker.io)")
    _remove_abandoned()
    with (
        tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder,
        _started(Path(folder)) as hosts,
        _with_image(*hosts) as engine,
    ):
        yield engine


@contextmanager
def _with_image(host: str, foreign_host: str | None = None) -> Iterator[DockerEngine]:
    image = python_image.NAME
    engine = DockerEngine(host=host, foreign_host=foreign_host, image=image)
    with engine.client() as client:
        python_image.import_into(client)
    try:
        yield engine
    finally:
        with engine.client() as client:
            client.remove_image(image, force=True)


@contextmanager
def _started(folder: Path) -> Iterator[tuple[str, str]]:
    """Start a dockerd that keeps everything in `folder` and leaves the machine's network alone."""
    host = f"unix://{folder}/docker.sock"
    foreign_host = f"tcp://127.0.0.2:{_free_port('127.0.0.2')}"
    command = [
        *(_PROGRAM, "--host", host, "--host", foreign_host),
        *("--cgroup-parent", f"/{_PREFIX}{os.getpid()}"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("--pidfile", f"{folder}/pid", "--config-file", _empty(folder / "config.json")),
        *("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
    ]
    log_path = folder / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent
        )
    try:
        _wait_until_it_answers(process, host, log_path)
        yield host, foreign_host
    finally:
        process.send_signal(signal.SIGTERM)  # it ends its containers and its containerd
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _clean(folder, os.getpid())


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _empty(path: Path) -> str:
    path.write_text("{}")
    return str(path)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGTERM)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", host: str, log: Path) -> None:
    for _ in range(int(START_TIMEOUT_S / 0.1)):
        if _answers(host.removeprefix("unix://")):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    text = log.read_text(errors="replace").strip().splitlines()[-3:]
    pytest.skip(f"dockerd does not work here: {' '.join(text)[-500:]}")


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(path)
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.0 200")
    return False


def _remove_abandoned() -> None:
    """Remove what tests left that were killed; the kernel ended their engine."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = int(folder.name.removeprefix(_PREFIX).partition("-")[0])
        if not Path(f"/proc/{pid}").exists():
            _end_processes(folder, pid)
            _clean(folder, pid)
            shutil.rmtree(folder, ignore_errors=True)


def _end_processes(folder: Path, pid: int) -> None:
    """End containers that began while their engine ended, and who minds them."""
    found = {
        int(line)
        for listed in Path("/sys/fs/cgroup").glob(f"**/{_PREFIX}{pid}/**/cgroup.procs")
        for line in listed.read_text().split()
    }
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(f"{folder}/" in argument for argument in process.cmdline()):
                found.add(process.pid)
    for number in found:
        with suppress(psutil.Error):
            psutil.Process(number).kill()
            psutil.Process(number).wait(STOP_TIMEOUT_S)


def _clean(folder: Path, pid: int) -> None:
    """Take back what a dockerd leaves in the system: mounts and control groups."""
    _unmount_below(folder)
    for hierarchy in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()):
        made = hierarchy / f"{_PREFIX}{pid}"  # by the engine, in some of them
        for group in (*sorted(made.glob("*/"), reverse=True), made):
            with suppress(OSError):
                group.rmdir()


def _unmount_below(folder: Path) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        target = line.split()[1]
        if target.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", target], check=False)
