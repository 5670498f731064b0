import json
from pathlib import Path

import pytest

from emulator.project.load_error import LoadError, load_error

FOLDER = Path("/home/me/project/resize")


def body(kind: str, text: str, *frames: str, key: str = "stackTrace") -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": text, key: frames}).encode()


CASES = [
    (
        body(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': invalid syntax",
            '  File "/var/task/app.py" Line 3\n    def (\n',
        ),
        "Runtime.UserCodeSyntaxError: Syntax error in module 'app': invalid syntax",
        f"{FOLDER}/app.py:3",
    ),
    (
        body(
            "KeyError",
            "'TABLE'",
            '  File "/var/task/app.py", line 2, in <module>\n    import lib.db\n',
            '  File "/var/task/lib/db.py", line 9, in <module>\n    os.environ["TABLE"]\n',
            '  File "<frozen os>", line 679, in __getitem__\n',
        ),
        "KeyError: 'TABLE'",
        f"{FOLDER}/lib/db.py:9",
    ),
    (
        body(
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: Unexpected token",
            "Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token",
            "    at load (file:///var/runtime/loader.mjs:60:13)",
            "    at main (/var/task/lib/db.js:4:7)",
            "    at main (/var/task/index.js:2:7)",
            key="trace",
        ),
        "Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token",
        f"{FOLDER}/lib/db.js:4",
    ),
    (
        body("E", "without a sandbox", f'  File "{FOLDER}/app.py", line 1, in <module>\n'),
        "E: without a sandbox",
        f"{FOLDER}/app.py:1",
    ),
    (
        body("Runtime.HandlerNotFound", "Handler 'x' missing on module 'app'"),
        "Runtime.HandlerNotFound: Handler 'x' missing on module 'app'",
        None,
    ),
    (b'{"errorMessage": "exited"}', "exited", None),
    (b"no json", "no json", None),
]


@pytest.mark.parametrize(("error", "message", "place"), CASES)
def test_an_init_error_becomes_a_line_and_the_users_own_file(
    error: bytes, message: str, place: str | None
) -> None:
    assert load_error(error, FOLDER) == LoadError(message, place)
