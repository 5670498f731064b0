"""Where the code of functions lies on disk."""

import base64
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.control import archive
from emulator.control.violations import invalid
from emulator.model import CodePackage
from emulator.model.code_signature import CodeSignature, read_signature
from emulator.storage import StorageError, from_document, to_document

_NOT_SURVEYED: Final = archive.SKIPPED_FOLDERS | {"node_modules"}
UNUSED_S: Final = 10.0  # a package stays so long: somebody may be creating a function of it


class CodeStore:
    """Code packages: archives unpacked once, by their hash, and live folders in place.

    Any thread may call. `_lock` guards the two tables and the deletion of folders; it is never
    held while an archive is unpacked or packed.
    """

    def __init__(self, folder: Path) -> None:
        """Keep packages below `folder`, which is made when it is missing."""
        self._folder = folder
        self._lock = threading.Lock()
        self._packages: dict[str, CodePackage] = {}  # by token
        self._used_s: dict[str, float] = {}  # by token: when it was last taken, or seen in use
        folder.mkdir(parents=True, exist_ok=True)

    def from_zip(self, content: bytes) -> CodePackage:
        """Unpack an archive, unless the same bytes lie unpacked already.

        Raises LambdaError for what Lambda would not take: see `archive.unpack`.
        """
        digest = hashlib.sha256(content)
        token = digest.hexdigest()
        with self._lock:
            if known := self._packages.get(token):
                self._used_s[token] = time.monotonic()
                return known
        unpacked = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=self._folder))
        try:
            (unpacked / "code").mkdir()
            archive.unpack(content, unpacked / "code")
            (unpacked / "code.zip").write_bytes(content)
            package = CodePackage(
                folder=self._folder / token / "code",
                sha256=base64.b64encode(digest.digest()).decode(),
                size_bytes=len(content),
                archive=self._folder / token / "code.zip",
                signature=read_signature(content),
            )
            return self._adopt(unpacked, package)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)

    def _adopt(self, unpacked: Path, package: CodePackage) -> CodePackage:
        home = package.folder.parent
        token = home.name
        with self._lock:
            self._used_s[token] = time.monotonic()
            if token not in self._packages:  # else another thread was faster
                shutil.rmtree(home, ignore_errors=True)  # of a process that was killed
                unpacked.chmod(0o755)  # mkdtemp's 0700 would hide it from the functions
                unpacked.rename(home)
                self._packages[token] = package
            return self._packages[token]

    def from_folder(self, folder: Path, *, live: bool) -> CodePackage:
        """Take code from a folder: as it is now, or live, where every change of a file counts.

        The hash of a live package is one of names, sizes and times, made when it is taken.
        Raises LambdaError when there is no such folder.
        """
        if not folder.is_dir():
            raise invalid(f"The code folder {folder} does not exist or is not a folder.")
        if not live:
            return self.from_zip(archive.pack(folder))
        return self.from_live_folder(folder)

    def from_live_folder(self, folder: Path) -> CodePackage:
        """Take code from a folder that may have gone, and may come back."""
        digest, size = _survey(folder)
        package = CodePackage(
            folder=folder,
            sha256=base64.b64encode(digest).decode(),
            size_bytes=size,
            is_live=True,
        )
        return self._known(package)

    def document(self, package: CodePackage) -> dict[str, Any]:
        """What `reopen` needs to find the package again."""
        return {
            # By its hash, and not by its path: the folder may be another one tomorrow.
            "token": None if package.is_live else self.token(package),
            "live_folder": str(package.folder) if package.is_live else None,
            "sha256": package.sha256,
            "size_bytes": package.size_bytes,
            "image": package.image,
            "signature": to_document(package.signature),
        }

    def from_image(self, name: str) -> CodePackage:
        """Take a container image for code; whether there is one shows when it is needed."""
        digest = hashlib.sha256(name.encode()).hexdigest()
        home = self._folder / f"image-{digest}"
        (home / "code").mkdir(parents=True, exist_ok=True)
        # Differs from Lambda: without a digest in its name nobody knows the image's before it is
        # pulled, so the hash is the name's.
        known = name.partition("@sha256:")[2] or digest
        return self._known(
            CodePackage(folder=home / "code", sha256=known, size_bytes=0, image=name)
        )

    def reopen(
        self,
        *,
        token: str | None,
        live_folder: str | None,
        sha256: str,
        size_bytes: int,
        image: str | None = None,
        signature: Mapping[str, Any] | None = None,
    ) -> CodePackage:
        """The package an earlier process had; raises StorageError when it is not there any more.

        token: what `token` said of it, or live_folder: where the owner's files are.
        """
        if image is not None:
            return self.from_image(image)
        if live_folder is not None:
            return self._reopen_live(Path(live_folder), sha256, size_bytes)
        home = self._folder / str(token)
        if not (home / "code").is_dir():
            raise StorageError(f"the code of a function is missing: {home}")
        package = CodePackage(
            folder=home / "code",
            sha256=sha256,
            size_bytes=size_bytes,
            archive=home / "code.zip",
            signature=None if signature is None else from_document(CodeSignature, signature),
        )
        return self._known(package)

    def _reopen_live(self, folder: Path, sha256: str, size_bytes: int) -> CodePackage:
        if folder.is_dir():
            return self.from_folder(folder, live=True)
        # Its owner may bring it back; until then the function says so when it is invoked.
        return self._known(
            CodePackage(folder=folder, sha256=sha256, size_bytes=size_bytes, is_live=True)
        )

    def _known(self, package: CodePackage) -> CodePackage:
        token = self.token(package)
        with self._lock:
            self._packages[token] = package
            self._used_s[token] = time.monotonic()
        return package

    def sweep(self) -> None:
        """Delete what an earlier process left and nobody has reopened."""
        with self._lock:
            for home in self._folder.iterdir():
                if home.name not in self._packages:
                    shutil.rmtree(home, ignore_errors=True)

    def frozen(self, package: CodePackage) -> CodePackage:
        """The package as it is now, in a form that no longer changes."""
        return self.from_folder(package.folder, live=False) if package.is_live else package

    def token(self, package: CodePackage) -> str:
        """What `archive_for` wants to see for this package."""
        return _live_token(package.folder) if package.is_live else package.folder.parent.name

    def archive_for(self, token: str) -> bytes | None:
        """The zip of a package, made now when the package is a live folder; None: no such token."""
        with self._lock:
            package = self._packages.get(token)
        if package is None:
            return None
        if package.archive is None:
            return archive.pack(package.folder)
        return package.archive.read_bytes()

    def collect(self, in_use: Iterable[CodePackage], unused_s: float = UNUSED_S) -> None:
        """Forget packages that nobody used for `unused_s`; delete what we unpacked of them."""
        used = {self.token(package) for package in in_use}
        now_s = time.monotonic()
        with self._lock:
            for token, package in list(self._packages.items()):
                if token in used:
                    self._used_s[token] = now_s
                elif self._used_s[token] <= now_s - unused_s:
                    del self._packages[token], self._used_s[token]
                    if not package.is_live:
                        shutil.rmtree(self._folder / token, ignore_errors=True)


def _live_token(folder: Path) -> str:
    return hashlib.sha256(b"live:" + os.fsencode(folder)).hexdigest()


def _survey(folder: Path) -> tuple[bytes, int]:
    """Hash of all names, sizes and times below a folder, and the sum of the sizes.

    Without node_modules: it may hold ten thousand files, and callers wait while a reload looks.
    """
    digest = hashlib.sha256(os.fsencode(folder))
    size = 0
    for name, file in archive.walk(folder, skipped=_NOT_SURVEYED):
        try:
            status = file.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # an editor replaces files while we look
        size += status.st_size
        digest.update(os.fsencode(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"))
    return digest.digest(), size
