"""Every case of the behaviour table, with every runtime, on one emulator."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import pytest

from tests.end_to_end.behaviour.aws_clients import AWS_LAMBDA_RIC, AWSLAMBDARIC
from tests.end_to_end.behaviour.checking import check_case, token, write_project
from tests.end_to_end.behaviour.java import JAVA_17, JAVA_25
from tests.end_to_end.behaviour.nodejs import NODEJS_22, NODEJS_24
from tests.end_to_end.behaviour.python import PYTHON
from tests.end_to_end.behaviour.ruby import RUBY
from tests.end_to_end.behaviour.table import (
    CASES,
    Case,
    Language,
    deployed_name,
)
from tests.end_to_end.calls import Answer, invoke
from tests.running_emulator import RunningEmulator, running_emulator
from tests.sandbox.conftest import needs_namespaces

pytestmark = needs_namespaces  # expectations name /var/task and /tmp
LANGUAGES: Final = (
    PYTHON,
    NODEJS_22,
    NODEJS_24,
    JAVA_17,
    JAVA_25,
    RUBY,
    AWSLAMBDARIC,
    AWS_LAMBDA_RIC,
)


AVAILABLE: Final = [language for language in LANGUAGES if language.missing is None]


@pytest.fixture(scope="module")
def slow_inits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[Answer]]]:
    """Invocations of functions whose init phase is too long: under way while the others run."""
    names = [deployed_name(language, "slow_init") for language in AVAILABLE]
    project = write_project(tmp_path_factory.mktemp("slow"), AVAILABLE, only="slow_init")
    with (
        running_emulator(project, "--no-watch") as emulator,
        ThreadPoolExecutor(len(names)) as callers,
    ):
        functions = emulator.client("lambda")
        yield [callers.submit(invoke, functions, name) for name in names]


@pytest.fixture(scope="module")
def emulator(
    tmp_path_factory: pytest.TempPathFactory, slow_inits: object
) -> Iterator[RunningEmulator]:
    project = write_project(tmp_path_factory.mktemp("project"), AVAILABLE)
    with running_emulator(project, "--no-watch") as emulator:
        _set_handlers(emulator.client("lambda"))
        yield emulator


def _set_handlers(functions: Any) -> None:
    for language in AVAILABLE:
        for function, deployed in language.functions.items():
            if deployed.handler_by_api is not None:
                functions.update_function_configuration(
                    FunctionName=deployed_name(language, function), Handler=deployed.handler_by_api
                )


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture(params=LANGUAGES, ids=lambda language: language.name)
def language(request: pytest.FixtureRequest) -> Language:
    language: Language = request.param
    if language.missing is not None:
        pytest.skip(language.missing)
    return language


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_function_behaves_as_in_aws(
    emulator: RunningEmulator, functions: Any, language: Language, case: Case
) -> None:
    check_case(emulator, functions, language, case)


def test_tmp_is_kept_over_a_reset_and_the_process_is_not(
    emulator: RunningEmulator, functions: Any, language: Language
) -> None:
    name = deployed_name(language, "main")
    emulator.settle()
    written = invoke(functions, name, {"do": "keep"}).result
    emulator.settle()
    assert invoke(functions, name, {"do": "end", "how": "exit 3"}).function_error == "Unhandled"

    emulator.settle()
    assert invoke(functions, name, {"do": "kept"}).result == written
    assert token(emulator, functions, name) != written


@pytest.mark.slow
def test_an_init_phase_longer_than_ten_seconds_is_run_again_by_the_invocation(
    slow_inits: list[Future[Answer]],
) -> None:
    # execution-environment.md 1: 10 s, then once more in the first invocation, with its timeout.
    answers = [invocation.result() for invocation in slow_inits]

    assert [answer.result for answer in answers] == ["begun twice"] * len(AVAILABLE)
