import pytest

from emulator.control import CREATABLE
from emulator.sandbox.docker.images import image_name
from emulator.sandbox.docker.pulling import split_name
from tests.sandbox.versions import version


@pytest.mark.parametrize(
    ("runtime", "image"),
    [
        ("python3.12", "python:3.12"),
        ("nodejs20.x", "nodejs:20"),
        ("java8.al2", "java:8.al2"),
        ("java21", "java:21"),
        ("dotnet8", "dotnet:8"),
        ("ruby3.3", "ruby:3.3"),
        ("provided.al2023", "provided:al2023"),
    ],
)
def test_each_runtime_has_the_image_that_aws_publishes(runtime: str, image: str) -> None:
    assert image_name(version(runtime=runtime), {}) == f"public.ecr.aws/lambda/{image}-x86_64"


def test_every_runtime_has_an_image() -> None:
    for runtime in CREATABLE:
        assert image_name(version(runtime=runtime, architecture="arm64"), {}).endswith("-arm64")


def test_an_image_can_be_replaced_and_an_image_function_brings_its_own() -> None:
    assert image_name(version(), {"python3.12": "mine:1"}) == "mine:1"
    assert image_name(version("their/image"), {"python3.12": "mine:1"}) == "their/image"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("python", ("python", "latest")),
        ("host:5000/python", ("host:5000/python", "latest")),
        ("host:5000/python:3", ("host:5000/python", "3")),
        ("python@sha256:00", ("python", "sha256:00")),
    ],
)
def test_an_images_name_is_repository_and_tag(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts
