"""The behaviour table with AWS's Python client in containers of a real engine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests import python_image
from tests.docker_engine import DockerEngine
from tests.end_to_end.behaviour import python
from tests.end_to_end.behaviour.aws_clients import AWSLAMBDARIC
from tests.end_to_end.behaviour.checking import check_case, write_project
from tests.end_to_end.behaviour.table import CASES, Case, Cell, variables
from tests.running_emulator import RunningEmulator, running_emulator

pytestmark = pytest.mark.docker


def _with_home(cell: Cell) -> Cell:
    """Return the cell with what every engine sets for a user that has a home."""
    return replace(cell, result=cell.result | {"HOME": "/root"})


IN_DOCKER: Final = replace(
    AWSLAMBDARIC,
    name="docker",
    runtime=python_image.RUNTIME,
    write=python.write,
    cells={
        **AWSLAMBDARIC.cells,
        "environment variables": _with_home(
            variables(python_image.RUNTIME, "docker-main", python.HANDLER)
        ),
    },
)
# One second is not enough for a busy machine to start a container again: see test_docker.py.
_TOO_HASTY: Final = "timeout"
# What only the client decides, as without Docker; it costs a container each, or the time of one.
_SAME: Final = ("handler in a missing module", "missing dependency", "syntax error")


@pytest.fixture(scope="module")
def emulator(
    docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    top = (
        '[emulator]\nsandbox = "docker"\n'
        f'[emulator.images]\n"{python_image.RUNTIME}" = "{docker_engine.image}"\n'
    )
    project = write_project(tmp_path_factory.mktemp("project"), [IN_DOCKER], top)
    with running_emulator(project, "--no-watch", DOCKER_HOST=docker_engine.host) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name not in (_TOO_HASTY, "bad handler name", *_SAME)],
    ids=lambda case: case.name,
)
def test_a_function_in_docker_behaves_as_in_aws(
    emulator: RunningEmulator, functions: Any, case: Case
) -> None:
    check_case(emulator, functions, IN_DOCKER, case)
