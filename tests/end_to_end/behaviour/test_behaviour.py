"""Every case of the behaviour table, with every runtime, on one emulator."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.behaviour.aws_clients import AWS_LAMBDA_RIC, AWSLAMBDARIC
from tests.end_to_end.behaviour.java import JAVA
from tests.end_to_end.behaviour.nodejs import NODEJS_22, NODEJS_24
from tests.end_to_end.behaviour.python import PYTHON
from tests.end_to_end.behaviour.table import (
    CASES,
    Case,
    Cell,
    Function,
    Language,
    deployed_name,
    has_line,
    says,
)
from tests.end_to_end.calls import Answer, invoke
from tests.running_emulator import RunningEmulator, running_emulator
from tests.sandbox.conftest import needs_namespaces

pytestmark = needs_namespaces  # expectations name /var/task and /tmp
LANGUAGES: Final = (PYTHON, NODEJS_22, NODEJS_24, JAVA, AWSLAMBDARIC, AWS_LAMBDA_RIC)
# By name: the first lines of emulator.toml that choose it.
BACKENDS: Final[Mapping[str, str]] = {"process": ""}


AVAILABLE: Final = [language for language in LANGUAGES if language.missing is None]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The first lines of emulator.toml."""
    return BACKENDS[request.param]


@pytest.fixture(scope="module")
def slow_inits(
    backend: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Future[Answer]]]:
    """Invocations of functions whose init phase is too long: under way while the others run."""
    names = [deployed_name(language, "slow_init") for language in AVAILABLE]
    project = _write_project(tmp_path_factory.mktemp("slow"), backend, only="slow_init")
    with (
        running_emulator(project, "--no-watch") as emulator,
        ThreadPoolExecutor(len(names)) as callers,
    ):
        functions = emulator.client("lambda")
        yield [callers.submit(invoke, functions, name) for name in names]


@pytest.fixture(scope="module")
def emulator(
    backend: str, tmp_path_factory: pytest.TempPathFactory, slow_inits: object
) -> Iterator[RunningEmulator]:
    project = _write_project(tmp_path_factory.mktemp("project"), backend)
    with running_emulator(project, "--no-watch") as emulator:
        _set_handlers(emulator.client("lambda"))
        yield emulator


def _write_project(project: Path, backend: str, only: str | None = None) -> Path:
    lines = [backend]
    for language in AVAILABLE:
        for function, deployed in language.functions.items():
            if only in (None, function):
                name = deployed_name(language, function)
                (project / name).mkdir()
                language.write(project / name, deployed.source)
                lines += _table(language, name, deployed)
    (project / "emulator.toml").write_text("\n".join(lines))
    return project


def _table(language: Language, name: str, deployed: Function) -> list[str]:
    return [
        f'[functions.{name}]\ncode = "{name}/{language.code}"\nruntime = "{language.runtime}"',
        f'handler = "{deployed.handler}"\n{deployed.settings}',
    ]


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
    if case.name in language.no_such:
        pytest.skip(language.no_such[case.name])
    cell = language.cell(case)
    name = deployed_name(language, case.function)
    is_initialised = case.function in ("main", "hasty", "hungry")
    before = _token(emulator, functions, name) if is_initialised else None

    answer = invoke(functions, name, case.event, **case.options)

    check(answer, cell, language, name)
    if is_initialised:
        after = _token(emulator, functions, name)
        assert (before != after) is cell.resets, "whether the environment was reset"


def _token(emulator: RunningEmulator, functions: Any, name: str) -> Any:
    """Return what only one process of the function says, with no other invocation under way."""
    emulator.settle()  # one that has answered may still be busy, and another serve this one
    token = invoke(functions, name, {"do": "token"}).result
    emulator.settle()
    return token


def check(answer: Answer, cell: Cell, language: Language, name: str) -> None:
    """Compare an answer with its cell."""
    if cell.error is None:
        assert answer.result == _filled_in(cell.result, answer, name)
    else:
        error_type, message = answer.error
        assert error_type == cell.error[0]
        assert says(message, cell.error[1]), message
        assert tuple(answer.document) == (cell.keys or language.error_keys)
    if cell.first_frame is not None:
        frames = answer.document[language.error_keys[-1]]
        assert says(frames[0], cell.first_frame), frames
    for line in cell.log:
        assert has_line(answer.log, _filled_in(line, answer, name)), answer.log


def _filled_in(expected: Any, answer: Answer, name: str) -> Any:
    if isinstance(expected, dict):
        return {key: _filled_in(value, answer, name) for key, value in expected.items()}
    if isinstance(expected, str) and len(expected) < 1000:
        return expected.replace("REQUEST ID", answer.request_id).replace("FUNCTION", name)
    return expected


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
    assert _token(emulator, functions, name) != written


@pytest.mark.slow
def test_an_init_phase_longer_than_ten_seconds_is_run_again_by_the_invocation(
    slow_inits: list[Future[Answer]],
) -> None:
    # execution-environment.md 1: 10 s, then once more in the first invocation, with its timeout.
    answers = [invocation.result() for invocation in slow_inits]

    assert [answer.result for answer in answers] == ["begun twice"] * len(AVAILABLE)
