"""A Lambda base image made of this machine's own Python, for engines that can pull nothing."""

import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import docker

RUNTIME: Final = f"python3.{sys.version_info.minor}"
NAME: Final = f"lambda-emulator-test/{RUNTIME}:{os.getpid()}"
PYTHON: Final = Path(sys.base_prefix) / "bin" / RUNTIME
_SHELL: Final = Path("/bin/sh")
_LEFT_OUT: Final = {
    *("__pycache__", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tkinter"),
    *("turtledemo", "dist-packages"),
}
_ENTRYPOINT: Final = """#!/bin/sh
export _HANDLER="$1"
exec /var/runtime/bootstrap
"""
_BOOTSTRAP: Final = f"""#!/bin/sh
exec $AWS_LAMBDA_EXEC_WRAPPER {PYTHON} /var/runtime/bootstrap.py
"""
# What AWS's images have there, but for the telemetry.
_START: Final = """import os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
main(["bootstrap", os.environ["_HANDLER"]])
"""
CHANGES: Final = (
    'ENTRYPOINT ["/lambda-entrypoint.sh"]',
    "WORKDIR /var/task",
    "ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=en_US.UTF-8"
    " PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/var/runtime",
)


def can_be_made() -> bool:
    """Tell whether this machine has what the image is made of."""
    return sys.platform == "linux" and _SHELL.exists() and find_spec("awslambdaric") is not None


def import_into(client: docker.APIClient) -> None:
    """Give an engine the image."""
    repository, _, tag = NAME.rpartition(":")
    client.import_image_from_data(
        root_file_system(), repository=repository, tag=tag, changes=list(CHANGES)
    )


def root_file_system() -> bytes:
    """A tar archive for `docker import`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in ("tmp", "opt", "var/task", "etc", "dev", "proc", "sys"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for name, text in (
            ("lambda-entrypoint.sh", _ENTRYPOINT),
            ("var/runtime/bootstrap", _BOOTSTRAP),
            ("var/runtime/bootstrap.py", _START),
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
        for source, target in _files():
            tar.add(source, target.lstrip("/"), filter=_slim)
    return archive.getvalue()


def _files() -> Iterator[tuple[Path, str]]:
    """Where each file comes from and goes to: programs, libraries, packages."""
    standard_library = Path(sysconfig.get_path("stdlib"))
    yield standard_library, str(standard_library)
    programs = [PYTHON.resolve(), _SHELL.resolve(), Path("/bin/sleep").resolve()]
    yield programs[0], str(PYTHON)
    yield programs[1], str(_SHELL)
    yield programs[2], "/bin/sleep"
    extensions = standard_library.glob("lib-dynload/*.so")
    for library in sorted(_libraries([*programs, *extensions, *_client_extensions()])):
        yield Path(library).resolve(), library
    for package in ("awslambdaric", "snapshot_restore_py", "simplejson"):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            yield source, f"/var/runtime/{source.name}"
    for extension in _client_extensions():
        yield extension, f"/var/runtime/{extension.name}"


def _client_extensions() -> list[Path]:
    spec = find_spec("runtime_client")  # the part of awslambdaric that is written in C
    return [] if spec is None or spec.origin is None else [Path(spec.origin)]


def _libraries(programs: list[Path]) -> set[str]:
    """Paths of the shared libraries that the programs ask for, as they ask for them."""
    found: set[str] = set()
    for program in programs:
        said = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
        found.update(re.findall(r"(/\S+\.so\S*) \(0x", said))
    return found


def _slim(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    name = os.path.basename(entry.name)
    return None if name in _LEFT_OUT or name.startswith("config-3") else entry
