"""The user's files: emulator.toml and hot reload."""

from emulator.project.apply import ProjectDeployer
from emulator.project.config import EmulatorTable, Project, ProjectError, load
from emulator.project.deployer import Deployer
from emulator.project.reload import Reloader
from emulator.project.watch import Watcher

__all__ = [
    "Deployer",
    "EmulatorTable",
    "Project",
    "ProjectDeployer",
    "ProjectError",
    "Reloader",
    "Watcher",
    "load",
]
