"""The second backend: execution environments are containers of a Docker engine."""

from emulator.sandbox.docker.backend import DockerBackend
from emulator.sandbox.docker.images import image_name
from emulator.sandbox.docker.route import DockerSettings

__all__ = ["DockerBackend", "DockerSettings", "image_name"]
