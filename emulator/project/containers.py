"""What `emulator.toml` says about Docker: sandboxes, images and the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from emulator.control import CREATABLE
from emulator.model import ImageConfig, nearest
from emulator.project.table import Table

SANDBOXES: Final = ("process", "docker")
_IMAGE: Final = r"[a-zA-Z0-9][\w.\-/:@]{0,511}"
_HOST: Final = r"[\w.\-:]{1,253}"
_PARTS: Final = 1500  # characters of an entry point or a command; botocore's model has no more


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerTable:
    """`[emulator.docker]` and `[emulator.images]`; None means the default."""

    host: str | None = None  # under which containers reach this machine
    network: str | None = None  # that containers are in
    images: Mapping[str, str] = field(default_factory=dict)  # runtime: image instead of AWS's


def read_sandbox(table: Table) -> str:
    """`sandbox = …` of a function or of all; "" when it is not given."""
    return table.option("sandbox", SANDBOXES, "a sandbox: process or docker")


def read_docker(emulator: Table) -> DockerTable:
    """The tables below `[emulator]`."""
    table = emulator.table("docker")
    read = DockerTable(
        host=table.text("host", form=_HOST, what="the name or address of a machine") or None,
        network=table.text("network", form=r"\S+", what="the name of a Docker network") or None,
        images=_images(emulator.table("images")),
    )
    table.finish()
    return read


def read_image(table: Table) -> str:
    """`image = …` of a function; "" when it has code instead."""
    return table.text("image", form=_IMAGE, what="the name of an image")


def read_image_config(table: Table) -> ImageConfig | None:
    """`[functions.NAME.image_config]`: what is set instead of the image's own settings."""
    if "image_config" not in table:
        return None
    settings = table.table("image_config")
    read = ImageConfig(
        entry_point=_parts(settings, "entry_point"),
        command=_parts(settings, "command"),
        working_directory=settings.text(
            "working_directory", form=r"/.{0,999}", what="an absolute path"
        ),
    )
    settings.finish()
    return read


def _images(table: Table) -> dict[str, str]:
    for runtime in table:
        if runtime not in CREATABLE:
            table.problem(runtime, f"is not a runtime of Lambda{nearest(runtime, CREATABLE)}")
    return {
        runtime: table.text(runtime, required=True, form=_IMAGE, what="the name of an image")
        for runtime in table
    }


def _parts(table: Table, key: str) -> tuple[str, ...]:
    parts = tuple(text for _, text in table.texts(key))
    if sum(map(len, parts)) > _PARTS:
        table.problem(key, f"has more than {_PARTS} characters")
    return parts
