"""Layers as functions see them, in every way of starting one."""

import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.model import CodePackage, FunctionVersion, LambdaError
from emulator.sandbox import Environments, languages
from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.layers import LayerFolders, external_extensions, skipped_extensions
from tests.sandbox.conftest import MakeFunction, Run, needs_namespaces

MakeLayer = Callable[..., CodePackage]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")


@pytest.fixture
def layer(tmp_path: Path) -> MakeLayer:
    """Make a layer of files: `layer({"python/shared.py": "x = 1"})`."""
    numbers = itertools.count()

    def make(files: dict[str, str], *, mode: int = 0o644) -> CodePackage:
        folder = tmp_path / f"layer-{next(numbers)}"
        folder.mkdir()
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
        return CodePackage(folder=folder, sha256=folder.name, size_bytes=1)

    return make


@pytest.fixture
def merged(tmp_path: Path, function: MakeFunction) -> Callable[..., Path]:
    (tmp_path / "run").mkdir()
    folders = LayerFolders(tmp_path / "run")

    def merge(*layers: CodePackage) -> Path:
        folder = folders.folder(replace(function(""), layers=layers))
        assert folder is not None
        return folder

    return merge


def test_a_later_layer_overwrites_paths_of_an_earlier_one_and_folders_merge(
    layer: MakeLayer, merged: Callable[..., Path]
) -> None:
    first = layer({"python/a.py": "1", "python/b.py": "1", "bin": "a file", "lib/x/y": "a folder"})
    second = layer({"python/b.py": "2", "bin/tool": "in a folder", "lib/x": "a file"})
    folder = merged(first, second)
    found = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == {
        "python/a.py": "1",
        "python/b.py": "2",
        "bin/tool": "in a folder",
        "lib/x": "a file",
    }
    assert (first.folder / "python/b.py").read_text() == "1"


def test_links_and_modes_of_a_layer_stay(layer: MakeLayer, merged: Callable[..., Path]) -> None:
    linked = layer({"lib/libfoo.so.1": "code"}, mode=0o755)
    (linked.folder / "lib" / "libfoo.so").symlink_to("libfoo.so.1")
    (linked.folder / "python").symlink_to("lib")
    folder = merged(layer({"python/shadowed.py": ""}), linked)
    assert os.readlink(folder / "lib" / "libfoo.so") == "libfoo.so.1"
    assert os.readlink(folder / "python") == "lib"
    assert (folder / "lib" / "libfoo.so.1").stat().st_mode & 0o777 == 0o755


def test_one_combination_is_made_once_and_another_order_is_another(
    layer: MakeLayer, merged: Callable[..., Path]
) -> None:
    first, second = layer({"a": "1"}), layer({"a": "2"})
    assert merged(first, second) == merged(first, second)
    assert (merged(second, first) / "a").read_text() == "1"
    assert merged(first) == first.folder


def test_what_is_merged_stays_while_an_environment_shows_it(
    layer: MakeLayer, function: MakeFunction, tmp_path: Path
) -> None:
    folders = LayerFolders(tmp_path)

    def merge(environment_id: str) -> Path:
        version = replace(function(""), layers=(layer({"a": ""}), layer({"b": ""})))
        folder = folders.folder(version, environment_id)
        assert folder is not None
        return folder

    first, second = merge("one"), merge("two")
    folders.release("one")
    third = merge("three")
    assert [folder.exists() for folder in (first, second, third)] == [False, True, True]


def test_a_layer_that_is_gone_is_told(
    layer: MakeLayer, merged: Callable[..., Path], tmp_path: Path
) -> None:
    gone = CodePackage(folder=tmp_path / "gone", sha256="", size_bytes=1)
    with pytest.raises(LambdaError, match=r"The layers cannot be laid over each other: .*gone"):
        merged(layer({"a": ""}), gone)


def test_a_live_layer_that_is_edited_does_not_show_in_what_was_merged(
    layer: MakeLayer, merged: Callable[..., Path]
) -> None:
    live = replace(layer({"a": "before"}), is_live=True)
    folder = merged(layer({"b": ""}), live)
    (live.folder / "a").write_text("after")
    assert (folder / "a").read_text() == "before"


def test_executable_files_directly_in_extensions_are_external_extensions(
    layer: MakeLayer,
) -> None:
    folder = layer({"extensions/b": "", "extensions/a": "", "extensions/lib/c": ""}, mode=0o755)
    (folder.folder / "extensions" / "README").write_text("")
    assert external_extensions(folder.folder) == ["a", "b"]
    assert skipped_extensions(folder.folder) == ["README"]
    assert external_extensions(layer({"python/a.py": ""}).folder) == []
    assert external_extensions(None) == []


PYTHON = """
import sys
import shared, deep

def handler(event, context):
    return [shared.WHO, deep.WHO, sys.path[:3], open(sys.path[2] + "/shared.py").read()]
"""


@pytest.mark.parametrize("variables", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["forked", "executed"])
@needs_namespaces
def test_python_finds_modules_of_layers_behind_its_own(
    function: MakeFunction, layer: MakeLayer, run: Run, variables: dict[str, str]
) -> None:
    site_packages = "python/lib/python3.11/site-packages"
    first = layer({"python/shared.py": "WHO = 'first'", "python/deep.py": "WHO = 'shallow'"})
    second = layer(
        {"python/shared.py": "WHO = 'second'", f"{site_packages}/deep.py": "WHO = 'deep'"}
    )
    version = function(PYTHON, environment=variables, layers=(first, second))
    result = json.loads(run(version).payload)
    assert result[0] == "second"
    assert result[1] == "deep"
    assert result[2] == ["/var/task", f"/opt/{site_packages}", "/opt/python"]
    assert result[3] == "WHO = 'second'"


def test_a_layers_own_boto3_wins_over_the_runtimes(
    function: MakeFunction, layer: MakeLayer, run: Run
) -> None:
    version = function(
        "import boto3\ndef handler(e, c):\n    return boto3.WHO",
        layers=(layer({"python/boto3/__init__.py": "WHO = 'layer'"}),),
    )
    assert run(version).payload == b'"layer"'


@needs_namespaces
def test_opt_cannot_be_written(function: MakeFunction, layer: MakeLayer, run: Run) -> None:
    version = function(
        """
        import pathlib
        def handler(event, context):
            try:
                pathlib.Path("/opt/new").write_text("")
            except OSError as error:
                return error.strerror
        """,
        layers=(layer({"python/a.py": ""}),),
    )
    assert run(version).payload == b'"Read-only file system"'


def node_function(function: MakeFunction, **more: object) -> FunctionVersion:
    source = "exports.handler = async () => [require('deep'), require('shared'), process.env.X];"
    settings = {"file": "app.js", "runtime": "nodejs20.x", "handler": "app.handler"}
    return function(source, **settings, **more)


@pytest.mark.parametrize("is_standby", [False, True], ids=["executed", "standby"])
def test_node_finds_packages_of_layers(
    function: MakeFunction,
    layer: MakeLayer,
    run: Run,
    environments: Environments,
    is_standby: bool,
) -> None:
    package = layer(
        {
            "nodejs/node_modules/shared/index.js": "module.exports = 'shared';",
            "nodejs/node20/node_modules/deep/index.js": "module.exports = 'deep';",
        }
    )
    variables = {"X": "x"} if is_standby else {"X": "x", "NODE_OPTIONS": "--no-warnings"}
    version = node_function(function, layers=(package,), environment=variables)
    environments.warm(version)
    environments.settle()
    assert json.loads(run(version).payload) == ["deep", "shared", "x"]


def test_a_bootstrap_may_come_from_a_layer(
    function: MakeFunction, layer: MakeLayer, run: Run
) -> None:
    bootstrap = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  headers=$(curl -sS -o /dev/null -D - "$api/next")
  id=$(echo "$headers" | grep -i aws-request-id | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -o /dev/null "$api/$id/response" -d "$(tool)"
done
"""
    tool = "#!/bin/sh\necho '\"from the layer\"'\n"
    brought = layer({"bootstrap": bootstrap, "bin/tool": tool}, mode=0o755)
    version = function("", file="nothing", runtime="provided.al2023", layers=(brought,))
    assert run(version).payload == b'"from the layer"'


IMPORTS = {
    "index.js": "const who = ['own', 'both', 'old'].map((name) => require(name));",
    "index.mjs": "import own from 'own'; import both from 'both'; import old from 'old';"
    "const who = [own, both, old];",
}


@needs_namespaces
@needs_node
@pytest.mark.parametrize("file", IMPORTS)
def test_node_finds_packages_for_its_version_behind_its_own_and_before_those_for_all(
    function: MakeFunction, layer: MakeLayer, run: Run, file: str
) -> None:
    places = {
        "nodejs/node22/node_modules": ("own", "both"),
        "nodejs/node18/node_modules": ("both", "old"),
        "nodejs/node_modules": ("own", "both", "old"),
    }
    packages = layer(
        {
            f"{place}/{name}/index.js": f"module.exports = '{place}'"
            for place, names in places.items()
            for name in names
        }
    )
    handler = f"{IMPORTS[file]}\nconst handler = async () => who;\n"
    handler += "export { handler };" if file == "index.mjs" else "exports.handler = handler;"
    version = function(
        handler, file=file, handler="index.handler", runtime="nodejs22.x", layers=(packages,)
    )
    own = version.code.folder / "node_modules" / "own"
    own.mkdir(parents=True)
    (own / "index.js").write_text("module.exports = 'the function'")

    assert json.loads(run(version).payload) == [
        "the function",
        "nodejs/node22/node_modules",
        "nodejs/node_modules",
    ]


@needs_namespaces
@needs_node
def test_an_interpreter_below_tmp_stays_there_beside_the_functions_own_tmp(
    function: MakeFunction, layer: MakeLayer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        program = Path(folder) / "bin" / "node"
        program.parent.mkdir()
        Path(folder).chmod(0o755)  # for functions, which may be another user's
        shutil.copy(Path(shutil.which("node") or "").resolve(), program)
        found = Interpreter(runtime="nodejs22.x", path=program)
        monkeypatch.setattr(languages, "nodes", lambda: {found.runtime: found})
        version = function(
            """
            const fs = require('fs');
            exports.handler = async (event) => {
              if (event.exit) process.exit(1);
              fs.writeFileSync('/tmp/mine', '');
              return [process.execPath, fs.readdirSync('/tmp').length];
            };
            """,
            file="index.js",
            handler="index.handler",
            runtime="nodejs22.x",
        )
        assert json.loads(run(version).payload) == [str(program), 2]
        run(version, {"exit": 1})  # what follows starts the program in a /tmp that is in use
        assert json.loads(run(version).payload) == [str(program), 2]
