"""The AWS SDK for JavaScript v3, which Lambda's Node.js runtimes bring: fetched once with npm."""

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion
from emulator.sandbox.report import Report

MANIFEST: Final = Path(__file__).parent.parent / "runtimes" / "node_sdk"
_FILES: Final = (".npmrc", "package.json", "package-lock.json")
_INSTALL: Final = (
    *("npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"),
    *("--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000"),
)
_INSTALL_TIMEOUT_S: Final = 600.0
_PROGRESS_S: Final = 5.0
_NAME: Final = re.compile(rb"@aws-sdk/[a-z0-9-]+")
_SUFFIXES: Final = (".js", ".mjs", ".cjs")
_LARGEST_SOURCE: Final = 20_000_000


def cached_sdk() -> Path:
    """Return where its `node_modules` is once it has been fetched; one folder a lock file."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    version = hashlib.sha256((MANIFEST / "package-lock.json").read_bytes()).hexdigest()[:16]
    return Path(cache) / "lambda-emulator" / f"node-sdk-{version}" / "node_modules"


def needs_sdk(version: FunctionVersion) -> bool:
    """Tell whether a function names packages of the SDK that it does not bring itself."""
    return _needs_sdk(version.code.folder, version.deployment)


@functools.lru_cache(maxsize=1000)
def _needs_sdk(folder: Path, _deployment: int) -> bool:
    own = folder / "node_modules"
    return any(not (own / name).exists() for name in _named_packages(folder))


def _named_packages(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        if "node_modules" in folders:
            folders.remove("node_modules")
        for file in files:
            path = Path(parent, file)
            if file.endswith(_SUFFIXES):
                with contextlib.suppress(OSError):  # gone meanwhile
                    if path.stat().st_size <= _LARGEST_SOURCE:
                        yield from (name.decode() for name in _NAME.findall(path.read_bytes()))


class NodeSdk:
    """Fetches the SDK for whoever needs it first. Any thread may call.

    `_fetching` is held while npm runs, so that the others who need it wait for it.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._fetching = threading.Lock()
        self._has_failed = False

    def folder(self) -> Path | None:
        """Return its `node_modules`, fetched if need be; None, and the user is told why, else."""
        found = cached_sdk()
        if found.is_dir():
            return found
        with self._fetching:
            if not found.is_dir() and not self._has_failed:
                self._has_failed = not self._fetch(found.parent)
        return found if found.is_dir() else None

    def _fetch(self, target: Path) -> bool:
        started = time.monotonic()
        self._report("sdk.fetching", what="AWS SDK for JavaScript v3", into=target)
        try:
            with _locked(target.parent):
                if not target.is_dir():
                    self._install(target, started)
        except (OSError, subprocess.SubprocessError) as error:
            reason, remedy = _what_is_wrong(error)
            self._report(
                "sdk.missing",
                what="AWS SDK for JavaScript v3",
                reason=reason,
                hint=f"{remedy}, then run: lambda-emulator doctor --fetch. Or put the packages into"
                " the function's node_modules",
            )
            return False
        self._report("sdk.fetched", seconds=round(time.monotonic() - started, 1))
        return True

    def _install(self, target: Path, started: float) -> None:
        with tempfile.TemporaryDirectory(prefix="node-sdk-", dir=target.parent) as scratch:
            unfinished = Path(scratch) / "sdk"
            unfinished.mkdir()
            for name in _FILES:
                shutil.copy(MANIFEST / name, unfinished)
            npm = subprocess.Popen(
                _INSTALL,
                cwd=unfinished,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            with npm:
                errors = self._wait(npm, started)
            if npm.returncode != 0:
                raise subprocess.SubprocessError(errors)
            unfinished.rename(target)  # complete, or not there

    def _wait(self, npm: "subprocess.Popen[str]", started: float) -> str:
        while True:
            try:
                return npm.communicate(timeout=_PROGRESS_S)[1]
            except subprocess.TimeoutExpired:
                seconds = round(time.monotonic() - started)
                if seconds > _INSTALL_TIMEOUT_S:
                    npm.kill()
                    raise
                self._report("sdk.fetching", seconds=seconds)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other emulators from fetching at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _what_is_wrong(error: Exception) -> tuple[str, str]:
    """Return why nothing was fetched, and what the user can do about it."""
    if isinstance(error, FileNotFoundError):
        return "npm is not installed", "install npm, which comes with Node.js"
    told = [line for line in str(error).splitlines() if line.startswith("npm error")]
    # Of a dozen lines this one says what could not be reached, and why.
    network = [line for line in told if line.startswith("npm error network request to")]
    remedy = "mend that" if told and not network else "go online"
    return (network or told or [str(error) or "npm failed"])[0], remedy
