"""What stands under /opt: the layers of a function as one folder of this machine."""

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emulator.model import CodePackage, FunctionVersion, LambdaError

EXTENSIONS: Final = "extensions"


class LayerFolders:
    """Layers laid over each other, once for each combination.

    Any thread may call. `_making` guards the tables, and is held while a folder is made or removed:
    who needs the same one waits.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder / "layers"
        self._making = threading.Lock()
        self._shown: dict[str, Path] = {}  # by environment
        self._unused: set[Path] = set()  # no environment shows them any more

    def folder(self, version: FunctionVersion, environment_id: str | None = None) -> Path | None:
        """Return the folder to show as /opt; None for a function without layers.

        One layer is shown where it lies. What an environment shows stays until it is released.
        Raises LambdaError when the folder cannot be made, as on a full disk.
        """
        layers = version.layers
        if len(layers) < 2:
            return layers[0].folder if layers else None
        merged = self._folder / _name(layers)
        with self._making:
            if not merged.exists():
                self._remove_unused()
                self._make(merged, layers)
            self._unused.discard(merged)  # also for who looks into it before he shows it
            if environment_id is not None:
                self._shown[environment_id] = merged
        return merged

    def release(self, environment_id: str) -> None:
        """Hear that an environment is gone."""
        with self._making:
            folder = self._shown.pop(environment_id, None)
            if folder is not None and folder not in self._shown.values():
                self._unused.add(folder)

    def _make(self, merged: Path, layers: Sequence[CodePackage]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=self._folder))
            try:
                for layer in layers:
                    _lay(layer.folder, scratch, is_live=layer.is_live)
                scratch.chmod(0o755)  # mkdtemp's 0700 would hide it from the functions
                scratch.rename(merged)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        except OSError as error:
            message = f"The layers cannot be laid over each other: {error}"
            raise LambdaError("ServiceException", message) from error

    def _remove_unused(self) -> None:
        for folder in self._unused:  # of layers that were saved since, mostly
            shutil.rmtree(folder, ignore_errors=True)
        self._unused.clear()


def external_extensions(folder: Path | None) -> list[str]:
    """Return the names of the executable files in the `extensions` folder of a /opt, sorted."""
    return _extension_files(folder, are_executable=True)


def skipped_extensions(folder: Path | None) -> list[str]:
    """Return the names of the files there that nobody could start, sorted."""
    return _extension_files(folder, are_executable=False)


def _extension_files(folder: Path | None, *, are_executable: bool) -> list[str]:
    if folder is None:
        return []
    try:
        with os.scandir(folder / EXTENSIONS) as entries:
            files = [entry for entry in entries if entry.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        entry.name for entry in files if bool(entry.stat().st_mode & 0o111) is are_executable
    )


def _name(layers: Sequence[CodePackage]) -> str:
    text = "\n".join(f"{layer.folder}\0{layer.sha256}" for layer in layers)
    return hashlib.sha256(text.encode()).hexdigest()


def _lay(source: Path, target: Path, *, is_live: bool) -> None:
    """Put a layer over those below it: folders merge, files replace what they are laid over."""
    with os.scandir(source) as entries:
        for entry in entries:
            place = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                if not place.is_dir() or place.is_symlink():
                    place.unlink(missing_ok=True)
                    place.mkdir()
                _lay(Path(entry.path), place, is_live=is_live)
            elif entry.is_symlink() or entry.is_file():  # no socket, no pipe
                _remove(place)
                _put(entry, place, is_live=is_live)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _put(entry: os.DirEntry[str], place: Path, *, is_live: bool) -> None:
    if entry.is_symlink():
        place.symlink_to(os.readlink(entry.path))
        return
    if not is_live:  # its owner edits a live one in place: that must not show halfway
        with contextlib.suppress(OSError):  # another file system
            os.link(entry.path, place)
            return
    shutil.copy2(entry.path, place)
