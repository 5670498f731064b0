"""Code on this machine, as CreateFunction takes it."""

import base64
import io
import os
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import override

from emulator.cli.errors import CommandError
from emulator.model.hot_reload import ARCHIVES, HOT_RELOAD_BUCKET
from emulator.project.inference import Files

_SCRIPTS: Final = (".py", ".js", ".mjs", ".cjs")


class _Folder(Files):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if path.is_file()]

    @override
    def text(self, name: str) -> str:
        return (self._folder / name).read_text(errors="replace")

    @override
    def is_executable(self, name: str) -> bool:
        return os.access(self._folder / name, os.X_OK)


class _Archive(Files):
    def __init__(self, content: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(content))

    @override
    def names(self) -> list[str]:
        return [name for name in self._zip.namelist() if "/" not in name]

    @override
    def text(self, name: str) -> str:
        try:
            return self._zip.read(name).decode(errors="replace")
        except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # encrypted, say
            raise CommandError(f"{name} in the archive cannot be read: {error}") from None

    @override
    def is_executable(self, name: str) -> bool:
        return bool((self._zip.getinfo(name).external_attr >> 16) & stat.S_IXUSR)


@dataclass(frozen=True, slots=True)
class Package:
    """Code to deploy."""

    code: dict[str, str]  # the `Code` of CreateFunction
    files: Files
    is_live: bool  # a folder, which is watched


def read_package(path: Path) -> Package:
    """Take a folder as it stands; upload a .zip, a .jar or a single file.

    Raises CommandError for what is none of these.
    """
    try:
        return _read_package(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None


def _read_package(path: Path) -> Package:
    if path.is_dir():
        folder = path.resolve()
        code = {"S3Bucket": HOT_RELOAD_BUCKET, "S3Key": str(folder)}
        return Package(code, _Folder(folder), is_live=True)
    if not path.exists():
        raise CommandError(f"there is no file or folder {path}")
    content = path.read_bytes() if path.suffix in ARCHIVES else _archive_of(path)
    try:
        files = _Archive(content)
    except zipfile.BadZipFile:
        raise CommandError(f"{path} is not a zip archive") from None
    return Package({"ZipFile": base64.b64encode(content).decode()}, files, is_live=False)


def _archive_of(path: Path) -> bytes:
    """The zip of a single file: a script keeps its name, a program becomes the bootstrap."""
    if path.suffix in _SCRIPTS:
        name = path.name
    elif os.access(path, os.X_OK):
        name = "bootstrap"
    else:
        raise CommandError(
            f"{path} is neither a folder nor a .zip, .jar, .py or .js file; a program must be"
            f" executable: chmod +x {path}"
        )
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | 0o755) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
