"""What deploys a project, whatever kind of file describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator.model import FunctionVersion
from emulator.project.config import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectChanges:
    """What an `apply` did, by name."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    urls_changed: tuple[str, ...] = ()
    triggers_added: tuple[str, ...] = ()
    triggers_removed: tuple[str, ...] = ()
    resources_added: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """Those that are not empty, as fields of a log line."""
        names = {name: ",".join(getattr(self, name)) for name in self.__slots__}
        return {name: value for name, value in names.items() if value}


class Deployer(Protocol):
    """Makes what runs equal to what the project's files say. Any thread may call."""

    @property
    def project(self) -> Project:
        """The project as it is deployed now."""

    @property
    def needs_port(self) -> bool:
        """Whether the emulator has to answer requests before the first `apply`."""

    @property
    def apis(self) -> Mapping[str, str]:
        """Addresses of the APIs that it made, by their names."""

    @property
    def files(self) -> Sequence[Path]:
        """The files that describe the project; one that is missing may appear."""

    def check(self) -> None:
        """Raise ProjectError for mistakes that show without deploying anything."""

    def apply(self) -> ProjectChanges:
        """Deploy what differs from what was deployed last; raises ProjectError."""

    def forget(self) -> None:
        """Take everything for gone, as it is after a reset: the next `apply` deploys it all."""

    def forget_kept(self) -> None:
        """Drop what an earlier process kept and the first `apply` would find in its way."""

    def stop(self) -> None:
        """Have an `apply` that waits, for a function's answer say, return; any thread may call."""

    def roots(self, version: FunctionVersion) -> list[Path | None]:
        """Where the owner of a function edits its code and each layer; None: it was uploaded."""

    def triggers_of(self, version: FunctionVersion) -> Sequence[str]:
        """What the project's files have a function invoked by, each in a few words."""
