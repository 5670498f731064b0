"""Zip archives of functions: checked, unpacked as Lambda does, and packed again."""

import errno
import io
import logging
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from emulator.control.violations import invalid
from emulator.model import CodePackage, LambdaError, limits

log = logging.getLogger("emulator.control")

SKIPPED_FOLDERS: Final = frozenset({".git", "__pycache__"})

_UNREADABLE: Final = (
    "Could not unzip uploaded file. Please check your file, then try to upload again."
)
_EMPTY: Final = "Uploaded file must be a non-empty zip"
_TOO_BIG: Final = f"Unzipped size must be smaller than {limits.UNZIPPED_BYTES} bytes"
_DAMAGE: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError),
    NotImplementedError,  # a compression that Python lacks
    RuntimeError,  # encrypted, or a loop of symbolic links
    OSError,  # a name the file system refuses, or a file where a folder must stand
)
_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)  # equal folders make equal archives


def unpack(archive: bytes, folder: Path) -> None:
    """Write the archive's files below `folder`, an empty folder.

    Raises InvalidParameterValueException for what is no zip, is empty, is damaged, unpacks to
    more than Lambda takes, or reaches outside the folder by name or by symbolic link. The folder
    is then in no useful state. Source: spec/control-plane.md section 2.
    """
    if not archive:
        raise invalid(_EMPTY)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as source:
            _unpack(source, folder)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # our disk is full, their archive is fine
        raise invalid(_UNREADABLE) from error


def _unpack(source: zipfile.ZipFile, folder: Path) -> None:
    entries = {_inner_path(entry): entry for entry in source.infolist()}  # the last one wins
    if not entries:
        raise invalid(_EMPTY)
    # zipfile never yields more than an entry declares, so the declared sizes bound the whole.
    if sum(entry.file_size for entry in entries.values()) > limits.UNZIPPED_BYTES:
        raise invalid(_TOO_BIG)
    links: list[tuple[Path, str]] = []
    for path, entry in entries.items():
        place = folder / path
        if entry.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(entry.external_attr >> 16):
            links.append((place, source.read(entry).decode()))
            continue
        with source.open(entry) as stream, place.open("xb") as file:
            while block := stream.read(1 << 20):
                file.write(block)
        place.chmod(_mode(entry))
    _link(links, folder)
    _warn_of_private(entries.values())


def _inner_path(entry: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts:
        raise invalid(_UNREADABLE)
    return path


def _mode(entry: zipfile.ZipInfo) -> int:
    """What the file's owner may do; everybody else may do the same but for writing.

    The folder is mounted read-only. The owner's right to write counts all the same: copies that
    a function makes in /tmp have it too.
    """
    # Differs from Lambda: a private file can be used here, with a warning, because Python's
    # `ZipFile.writestr` makes every file private, and tests build their archives with it.
    bits = stat.S_IMODE(entry.external_attr >> 16) or 0o644  # none: made on Windows
    owners = (bits >> 6) & 0o7 | 0o4
    others = owners & 0o5
    return owners << 6 | others << 3 | others


def _warn_of_private(entries: Iterable[zipfile.ZipInfo]) -> None:
    """Tell which files Lambda could not use: its user does not own them."""
    private = [entry.filename for entry in entries if _is_private(entry)]
    if private:
        log.warning(
            "code.private file=%s files=%d In AWS the function could not read or run them:"
            " make them world-readable (0644, programs 0755) before zipping.",
            private[0],
            len(private),
        )


def _is_private(entry: zipfile.ZipInfo) -> bool:
    bits = stat.S_IMODE(entry.external_attr >> 16)
    owners, others = bits >> 6 & 0o5, bits & 0o5
    return bool(bits) and not entry.is_dir() and owners != others


def _link(links: list[tuple[Path, str]], folder: Path) -> None:
    """Make the symbolic links last, so that no file is ever written through one."""
    for place, aim in links:
        place.symlink_to(aim)
    root = folder.resolve()
    for place, _ in links:
        if not place.resolve().is_relative_to(root):
            raise invalid(_UNREADABLE)


def pack(folder: Path) -> bytes:
    """Zip a folder; equal folders give equal bytes. `.git` and `__pycache__` stay out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, file in walk(folder):
            try:
                mode, content = _read(file)
            except FileNotFoundError:
                continue  # an editor replaces files while we look
            entry = zipfile.ZipInfo(name, _FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _read(file: os.DirEntry[str]) -> tuple[int, bytes]:
    if file.is_symlink():
        return stat.S_IFLNK | 0o777, os.fsencode(os.readlink(file.path))
    # A developer's umask must not decide whether Lambda can read the file.
    mode = 0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644
    return stat.S_IFREG | mode, Path(file.path).read_bytes()


def walk(
    folder: str | Path, prefix: str = "", *, skipped: Collection[str] = SKIPPED_FOLDERS
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files and symbolic links below `folder` that belong to its code, sorted, with names."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # deleted while we looked
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in skipped:
                yield from walk(entry.path, f"{name}/", skipped=skipped)
        elif entry.is_symlink() or entry.is_file():  # no socket, no pipe: reading would hang
            yield name, entry


def too_large(packages: Iterable[CodePackage]) -> str | None:
    """Return what is wrong when a function and its layers unpack to more than Lambda takes."""
    files = (file for package in packages for _, file in walk(package.folder))
    size = sum(file.stat(follow_symlinks=False).st_size for file in files)
    return _TOO_BIG if size >= limits.UNZIPPED_BYTES else None


def check_size(archive: bytes) -> None:
    """Raise RequestEntityTooLargeException for an archive that Lambda does not take directly."""
    if len(archive) > limits.ZIP_BYTES:
        raise LambdaError(
            "RequestEntityTooLargeException",
            f"Zipped size must be smaller than {limits.ZIP_BYTES} bytes",
        )
