from pathlib import Path

import pytest

from emulator.model import ImageConfig
from emulator.project.config import load
from emulator.project.containers import DockerTable
from tests.project.test_config import one_problem, project

ZIP = '[functions.f]\ncode = "resize"\nhandler = "a.h"\n'
IMAGE = '[functions.f]\nimage = "team/image:1"\n'


def test_an_image_stands_in_place_of_code_handler_and_runtime(tmp_path: Path) -> None:
    toml = IMAGE + 'image_config = { command = ["a"], working_directory = "/w" }\n'
    function = load(project(tmp_path, toml)).functions["f"]
    assert (function.image, function.code, function.runtime) == ("team/image:1", None, "")
    assert function.image_config == ImageConfig(command=("a",), working_directory="/w")


def test_every_runtime_of_lambda_may_run_in_docker(tmp_path: Path) -> None:
    own = ZIP + 'runtime = "java21"\nsandbox = "docker"\n'
    assert load(project(tmp_path, own)).functions["f"].sandbox == "docker"
    for_all = '[emulator]\nsandbox = "docker"\n' + ZIP + 'runtime = "ruby3.3"\n'
    assert load(project(tmp_path, for_all)).emulator.sandbox == "docker"


def test_the_engine_has_settings_of_its_own(tmp_path: Path) -> None:
    toml = '[emulator.docker]\nhost = "laptop.lan"\nnetwork = "mine"\n'
    images = '[emulator.images]\n"python3.12" = "team/python"\n'
    assert load(project(tmp_path, toml + images)).emulator.docker == DockerTable(
        host="laptop.lan", network="mine", images={"python3.12": "team/python"}
    )


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (IMAGE + 'runtime = "python3.12"', "functions.f.runtime: a function has either an image"),
        (IMAGE + 'sandbox = "process"', "functions.f.sandbox: an image runs in Docker only"),
        (IMAGE + "image_config.comand = []", "functions.f.image_config.comand: unknown key"),
        (
            IMAGE + 'image_config.working_directory = "w"',
            'functions.f.image_config.working_directory: "w" is not an absolute path',
        ),
        (
            ZIP + 'runtime = "python3.12"\nimage_config.command = ["a"]',
            "functions.f.image_config: needs image",
        ),
        (
            ZIP + 'runtime = "dotnet8"',
            'functions.f.runtime: "dotnet8" needs sandbox = "docker"',
        ),
        (ZIP + 'runtime = "python3.12"\nsandbox = "dokcer"', 'functions.f.sandbox: "dokcer" is'),
        ('[emulator.images]\n"python" = "x"', "emulator.images.python: is not a runtime"),
        ("[emulator.docker]\nhosts = 1", "emulator.docker.hosts: unknown key"),
    ],
)
def test_mistakes_name_the_key(tmp_path: Path, toml: str, problem: str) -> None:
    assert problem in one_problem(tmp_path, toml)
