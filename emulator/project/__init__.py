"""The user's files: emulator.toml and hot reload."""

from emulator.project.apply import ProjectDeployer
from emulator.project.config import EmulatorTable, Project, ProjectError, ProjectFunction, load
from emulator.project.deployer import Deployer, ProjectChanges
from emulator.project.reload import Reloader
from emulator.project.watch import Watcher

__all__ = [
    "Deployer",
    "EmulatorTable",
    "Project",
    "ProjectChanges",
    "ProjectDeployer",
    "ProjectError",
    "ProjectFunction",
    "Reloader",
    "Watcher",
    "load",
]
