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

from emulator.model import CodePackage, FunctionVersion

EXTENSIONS: Final = "extensions"


class LayerFolders:
    """Layers laid over each other, once for each combination.

    Any thread may call. `_making` is held while a folder is made: who needs the same one waits.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder / "layers"
        self._making = threading.Lock()

    def folder(self, version: FunctionVersion) -> Path | None:
        """Return the folder to show as /opt; None for a function without layers.

        One layer is shown where it lies. Raises OSError when the disk is full.
        """
        layers = version.layers
        if len(layers) < 2:
            return layers[0].folder if layers else None
        merged = self._folder / _name(layers)
        with self._making:
            if not merged.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                scratch = Path(tempfile.mkdtemp(dir=self._folder))
                try:
                    for layer in layers:
                        _lay(layer.folder, scratch, is_live=layer.is_live)
                    scratch.chmod(0o755)  # mkdtemp's 0700 would hide it from the functions
                    scratch.rename(merged)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
        return merged


def external_extensions(folder: Path | None) -> list[str]:
    """Return the names of the executable files in the `extensions` folder of a /opt, sorted."""
    if folder is None:
        return []
    try:
        with os.scandir(folder / EXTENSIONS) as entries:
            found = [entry.name for entry in entries if _is_executable(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found)


def _is_executable(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() and bool(entry.stat().st_mode & 0o111)


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
