from pathlib import Path
from types import SimpleNamespace

import pytest

from emulator.model import CodePackage, LambdaError
from emulator.sandbox import DOCKER, PROCESS, Backends
from emulator.sandbox.process import Launch
from tests.sandbox.versions import version


@pytest.mark.parametrize(
    ("default", "own", "image", "expected"),
    [
        (PROCESS, "", None, PROCESS),
        (PROCESS, DOCKER, None, DOCKER),
        (DOCKER, "", None, DOCKER),
        (DOCKER, PROCESS, None, PROCESS),
        (PROCESS, "", "some/image", DOCKER),
    ],
)
def test_a_function_says_what_runs_it_and_an_image_needs_docker(
    default: str, own: str, image: str | None, expected: str
) -> None:
    backends = Backends(processes=None, make_containers=None, default=default)  # type: ignore[arg-type]  # it is only asked
    assert backends.sandbox(version(image, sandbox=own)) == expected


@pytest.mark.parametrize(
    ("chosen", "has_program", "has_engine", "expected"),
    [
        ("", True, True, PROCESS),
        ("", False, True, DOCKER),
        ("", False, False, PROCESS),  # whose error says how to get the program
        (PROCESS, False, True, PROCESS),
    ],
)
def test_a_runtime_without_a_program_runs_in_docker_where_an_engine_is_and_nobody_has_chosen(
    chosen: str, has_program: bool, has_engine: bool, expected: str
) -> None:
    backends = Backends(
        processes=None,  # type: ignore[arg-type]  # it is only asked
        make_containers=None,  # type: ignore[arg-type]
        default=chosen,
        has_program=lambda runtime: has_program,
        has_engine=lambda: has_engine,
    )
    for _ in range(2):
        assert backends.sandbox(version(None)) == expected


def test_live_code_that_has_gone_is_named_and_runs_again_when_it_is_back(tmp_path: Path) -> None:
    launched: list[Launch] = []
    backends = Backends(processes=SimpleNamespace(launch=launched.append), make_containers=None)  # type: ignore[arg-type]  # has what is used
    code = CodePackage(folder=tmp_path / "f", sha256="", size_bytes=0, is_live=True)
    launch = Launch(
        version=version(code=code),
        environment_id="1",
        tmp_folder=tmp_path,
        runtime_api="127.0.0.1:1",
        log_stream="s",
    )
    with pytest.raises(LambdaError, match=f"The code folder {tmp_path}/f of function") as refused:
        backends.launch(launch)
    assert refused.value.code == "InvalidZipFileException"
    (tmp_path / "f").mkdir()
    backends.launch(launch)
    assert launched == [launch]
