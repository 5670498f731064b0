from pathlib import Path

import pytest

from emulator.sandbox.commands import ZygoteKind
from emulator.sandbox.interpreters import Interpreter, own_python

SDK = Path("/cache/node_modules")
QUIET = {"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}


@pytest.mark.parametrize(
    ("runtime", "brought", "expected"),
    [
        ("nodejs20.x", None, {}),  # its own SDK warns in AWS, too
        ("nodejs20.x", SDK, QUIET),
        ("nodejs22.x", None, QUIET),
        ("nodejs22.x", SDK, QUIET),
    ],
)
def test_the_sdk_does_not_warn_of_a_node_that_lambda_would_not_run_it_on(
    runtime: str, brought: Path | None, expected: dict[str, str]
) -> None:
    node = Interpreter(runtime="nodejs20.x", path=Path("/usr/bin/node"))
    kind = ZygoteKind("nodejs", own_python(), program=node, brought=brought)
    assert kind.own_variables(runtime) == expected
