"""Folders of this machine that functions share as file systems: one for each access point."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.model import FunctionVersion, LambdaError
from emulator.sandbox.report import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A folder of this machine, and where a function finds it."""

    folder: Path
    place: str  # below /mnt


class FileSystems:
    """The folders, made when the first function needs one, below `folder`. Any thread may call."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report
        self._told: set[str] = set()  # ARNs of functions

    def mounts(self, version: FunctionVersion) -> Sequence[Mount]:
        """What a function is to find below /mnt; raises EFSMountFailureException."""
        return [
            Mount(folder=self._made(each.arn), place=each.mount_path)
            for each in version.file_systems
        ]

    def tell_of_missing(self, version: FunctionVersion, why: str) -> None:
        """Say once that a function finds nothing where its file systems should be."""
        if version.arn not in self._told:
            self._told.add(version.arn)
            places = ", ".join(each.mount_path for each in version.file_systems)
            effect = f"nothing is at {places}: {why}"
            self._report("file_system.not_mounted", function=version.name, effect=effect)

    def _made(self, arn: str) -> Path:
        _, _, _, region, account, resource = arn.split(":", 5)
        folder = self._folder / account / region / resource.rpartition("/")[2]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.stat().st_uid == os.geteuid():
                folder.chmod(0o777)  # whoever the function is here, it may write
        except OSError as error:
            message = f"The folder of {arn} cannot be made: {error}"
            raise LambdaError("EFSMountFailureException", message) from error
        return folder
