"""The AWS SDK that Node.js functions do not bring: fetched once, found by every kind of module."""

import json
import os
from pathlib import Path

import pytest

from emulator.sandbox import languages
from emulator.sandbox.node_sdk import MANIFEST
from tests.end_to_end.calls import invoke
from tests.running_emulator import started_emulator
from tests.sandbox.conftest import needs_namespaces

pytestmark = pytest.mark.skipif(languages.find("nodejs22.x") is None, reason="no Node.js here")

# Stands in for npm: "installs" a client that says where it comes from, and counts.
NPM = """#!/bin/sh
echo run >> "$NPM_RUNS"
{}
mkdir -p node_modules/@aws-sdk/client-s3
echo 'exports.origin = "the runtime"' > node_modules/@aws-sdk/client-s3/index.js
"""
OFFLINE = """
echo 'npm error code ENOTFOUND' >&2
echo 'npm error network request to here failed' >&2
exit 1
"""
COMMON = """
const { origin } = require('@aws-sdk/client-s3')
exports.handler = async () => origin
"""
MODULE = """
import { origin } from '@aws-sdk/client-s3'
export const handler = async () => origin
"""


class Machine:
    """A project, an empty cache and an npm of the test's own."""

    def __init__(self, folder: Path, npm: str = "") -> None:
        self.folder = folder
        self.project = folder / "project"
        self.runs = folder / "runs"
        (folder / "bin").mkdir()
        program = folder / "bin" / "npm"
        program.write_text(NPM.format(npm))
        program.chmod(0o755)

    def add(self, name: str, file: str, source: str) -> Path:
        code = self.project / name
        code.mkdir(parents=True)
        (code / file).write_text(source)
        with (self.project / "emulator.toml").open("a") as toml:
            toml.write(
                f'[functions.{name}]\ncode = "{name}"\nhandler = "index.handler"\n'
                'runtime = "nodejs22.x"\ntimeout_s = 20\n'
            )
        return code

    @property
    def variables(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        cache = str(self.folder / "cache")
        return {"PATH": path, "XDG_CACHE_HOME": cache, "NPM_RUNS": str(self.runs)}


@needs_namespaces
def test_functions_find_the_sdk_and_it_is_fetched_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.add("common", "index.js", COMMON)
    machine.add("module", "index.mjs", MODULE)
    own = machine.add("own", "index.js", COMMON) / "node_modules/@aws-sdk/client-s3"
    own.mkdir(parents=True)
    (own / "index.js").write_text("exports.origin = 'the function'")

    for _ in range(2):
        with started_emulator(machine.project, **machine.variables) as emulator:
            functions = emulator.client("lambda")
            answers = [invoke(functions, name).result for name in ("common", "module", "own")]
            assert answers == ["the runtime", "the runtime", "the function"]

    assert machine.runs.read_text() == "run\n"


def test_without_npm_the_terminal_says_why_and_the_function_gets_nodes_error(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, npm=OFFLINE)
    machine.add("common", "index.js", COMMON)

    with started_emulator(machine.project, **machine.variables) as emulator:
        error_type, message = invoke(emulator.client("lambda"), "common").error
        emulator.wait_for_output("sdk.missing")

        assert error_type == "Runtime.ImportModuleError"
        assert message.startswith("Error: Cannot find module '@aws-sdk/client-s3'")
        assert 'reason="npm error network request to here failed"' in emulator.output
        assert 'hint="go online, then run: lambda-emulator doctor --fetch.' in emulator.output


def test_a_function_that_does_not_name_it_waits_for_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.add("plain", "index.js", "exports.handler = async () => 'ok'")

    with started_emulator(machine.project, **machine.variables) as emulator:
        assert invoke(emulator.client("lambda"), "plain").result == "ok"

    assert not machine.runs.exists()


def test_what_is_fetched_is_pinned_by_hashes_and_names_no_registry() -> None:
    packages = json.loads((MANIFEST / "package-lock.json").read_text())["packages"]
    fetched = [package for name, package in packages.items() if name]
    assert all(package["integrity"].startswith("sha512-") for package in fetched)
    assert not any("resolved" in package for package in fetched)
