"""Which source cannot run before `sam build` was there."""

from pathlib import Path
from typing import Any

import pytest

from emulator.project.sam_build import why_built

CASES: list[tuple[str, dict[str, str], dict[str, Any], str | None]] = [
    ("python3.12", {}, {}, None),
    ("python3.12", {"requirements.txt": "requests\n"}, {}, "requirements.txt"),
    ("python3.12", {"requirements.txt": "# nothing\n\n"}, {}, None),
    ("nodejs22.x", {"requirements.txt": "requests\n"}, {}, None),
    ("nodejs22.x", {"package.json": '{"name": "x"}'}, {}, None),
    ("nodejs22.x", {"package.json": '{"dependencies": {"a": "1"}}'}, {}, "package.json has"),
    (
        "nodejs22.x",
        {"package.json": '{"dependencies": {"a": "1"}}', "node_modules/a/index.js": ""},
        {},
        None,
    ),
    ("nodejs22.x", {"package.json": "{"}, {}, None),
    ("nodejs22.x", {}, {"BuildMethod": "esbuild"}, "BuildMethod esbuild"),
    ("nodejs22.x", {}, {"BuildMethod": "esbuild", "SkipBuild": True}, None),
    ("java21", {"pom.xml": ""}, {}, "pom.xml"),
    ("java21", {"build.gradle": ""}, {}, "build.gradle"),
    ("java21", {"app/Main.class": ""}, {}, None),
    ("ruby3.4", {"Gemfile": ""}, {}, "Gemfile"),
    ("ruby3.4", {"Gemfile": "", "vendor/bundle/x": ""}, {}, None),
    ("provided.al2023", {"bootstrap": ""}, {}, None),
    ("provided.al2023", {}, {"BuildMethod": "go1.x"}, "BuildMethod go1.x"),
]


@pytest.mark.parametrize(("runtime", "files", "metadata", "why"), CASES)
def test_the_files_tell_whether_source_runs_as_it_is(
    tmp_path: Path,
    runtime: str,
    files: dict[str, str],
    metadata: dict[str, Any],
    why: str | None,
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = why_built({"Metadata": metadata}, tmp_path, runtime)
    assert found == why if why is None else str(found).startswith(why)


def test_an_archive_is_built_already(tmp_path: Path) -> None:
    archive = tmp_path / "app.jar"
    archive.write_bytes(b"")
    assert why_built({"Metadata": {"BuildMethod": "gradle"}}, archive, "java21") is None
