"""What the Python runtime tells of an exception, without an environment around it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).parents[2] / "emulator" / "runtimes" / "python"
SOURCE = """
def fail(depth):
    if depth:
        return fail(depth - 1)
    raise ValueError("deep")
"""
PROGRAM = """
import importlib, json, sys, traceback
import bootstrap
sys.path.insert(0, sys.argv[1])

def described(module, depth=0):
    try:
        importlib.import_module(module).fail(depth)
    except ValueError as error:
        plain = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
        return bootstrap.describe(error, "r-1", own_frames=1)["stackTrace"], plain
"""


def printed(tmp_path: Path, program: str) -> Any:
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program, str(tmp_path)],
        cwd=RUNTIME,
        env={"AWS_LAMBDA_FUNCTION_NAME": "f"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_tracebacks_are_those_of_python_also_when_they_come_again(tmp_path: Path) -> None:
    calls = "[('first', 0), ('second', 0), ('first', 1), ('first', 9), ('first', 0), ('first', 9)]"
    for told, plain in printed(tmp_path, f"print(json.dumps([described(*c) for c in {calls}]))"):
        assert told == plain


def test_one_that_came_before_is_not_read_again(tmp_path: Path) -> None:
    program = """
described("first")
traceback.extract_tb = None
print(json.dumps(bootstrap.describe(caught, "r-1", 1)["stackTrace"]))
"""
    caught = """
try:
    importlib.import_module("first").fail(0)
except ValueError as error:
    caught = error
"""
    [frame] = printed(tmp_path, caught + program)
    assert 'raise ValueError("deep")' in frame


def test_the_memory_of_tracebacks_has_an_end(tmp_path: Path) -> None:
    program = """
for depth in range(200):
    described("first", depth)
print(len(bootstrap.FORMATTED))
"""
    assert printed(tmp_path, program) <= 64
