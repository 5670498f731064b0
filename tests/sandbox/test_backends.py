import pytest

from emulator.sandbox import DOCKER, PROCESS, Backends
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
