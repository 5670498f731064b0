"""`[functions.NAME.url]`."""

from pathlib import Path
from textwrap import dedent

import pytest

from emulator.model.function_url import FunctionUrl, UrlCors
from emulator.project.config import ProjectError, load


def read(folder: Path, lines: str) -> FunctionUrl | None:
    file = folder / "emulator.toml"
    file.write_text(
        '[functions.a]\ncode = "."\nhandler = "app.handler"\nruntime = "python3.12"\n'
        + dedent(lines)
    )
    return load(folder).functions["a"].url


def test_a_function_without_the_table_has_no_url(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None


def test_an_empty_table_is_a_url_that_everybody_may_call(tmp_path: Path) -> None:
    assert read(tmp_path, "[functions.a.url]") == FunctionUrl(
        url_id="", auth_type="NONE", invoke_mode="BUFFERED", is_declared=True
    )


def test_every_key(tmp_path: Path) -> None:
    lines = """
    [functions.a.url]
    auth_type = "AWS_IAM"
    invoke_mode = "RESPONSE_STREAM"
    [functions.a.url.cors]
    allow_credentials = true
    allow_headers = ["x-a"]
    allow_methods = ["GET", "*"]
    allow_origins = ["https://example.com"]
    expose_headers = []
    max_age_s = 60
    """
    assert read(tmp_path, lines) == FunctionUrl(
        url_id="",
        auth_type="AWS_IAM",
        invoke_mode="RESPONSE_STREAM",
        is_declared=True,
        cors=UrlCors(
            allow_credentials=True,
            allow_headers=("x-a",),
            allow_methods=("GET", "*"),
            allow_origins=("https://example.com",),
            expose_headers=(),
            max_age_s=60,
        ),
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('url.auth_type = "IAM"', "url.auth_type: "),
        ('url.invoke_mode = "STREAM"', "url.invoke_mode: "),
        ("url.auth = 1", "url.auth: unknown"),
        ("url.cors.max_age = 1", "url.cors.max_age: unknown"),
        ("url.cors.max_age_s = 86401", "url.cors.max_age_s: 86401 is not between 0 and 86400"),
        ('url.cors.allow_methods = ["OPTIONS"]', 'url.cors.allow_methods[0]: "OPTIONS" is none of'),
        ("url.cors.allow_origins = [1]", "url.cors.allow_origins[0]: must be a string"),
        (f"url.cors.allow_headers = {['x'] * 101}", "url.cors.allow_headers: has 101 entries"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, lines: str, problem: str) -> None:
    with pytest.raises(ProjectError, match=r"emulator\.toml: functions\.a") as caught:
        read(tmp_path, lines)
    assert f"functions.a.{problem}" in str(caught.value)
