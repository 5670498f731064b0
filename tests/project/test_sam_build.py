"""Which source cannot run before `sam build` was there."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator.project.sam_build import SamBuild, why_built

CASES: list[tuple[str, dict[str, str], dict[str, Any], str | None]] = [
    ("python3.12", {}, {}, None),
    ("python3.12", {"requirements.txt": "requests\n"}, {}, "requirements.txt"),
    ("python3.12", {"requirements.txt": "# nothing\n\n"}, {}, None),
    ("python3.12", {"requirements.txt": "boto3>=1.34\nbotocore # too\n"}, {}, None),
    ("python3.12", {"requirements.txt": "boto3\nboto3-stubs\n"}, {}, "requirements.txt"),
    ("python3.12", {"requirements.txt": "requests[socks]==2\n"}, {}, "requirements.txt"),
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


def test_a_build_is_old_once_its_source_was_saved(tmp_path: Path) -> None:
    (tmp_path / ".aws-sam" / "build").mkdir(parents=True)
    (tmp_path / ".aws-sam" / "build" / "template.yaml").write_text("Resources: {}")
    source = tmp_path / "src"
    (source / "__pycache__").mkdir(parents=True)
    for name, saved_s in (("app.py", 1_000.0), ("__pycache__/app.pyc", 3_000.0)):
        (source / name).write_text("")
        os.utime(source / name, (saved_s, saved_s))
    build = SamBuild(tmp_path, yaml.safe_load)
    os.utime(build.file, (2_000.0, 2_000.0))
    assert not build.is_older_than(source)
    os.utime(source / "app.py", (2_001.0, 2_001.0))
    assert build.is_older_than(source)
