import socket
from pathlib import Path

import pytest

from emulator.cli.errors import CommandError
from emulator.cli.start import debug_targets
from emulator.sandbox import DebugTarget
from tests.running_emulator import started_emulator


@pytest.mark.parametrize(
    ("texts", "targets"),
    [
        ([], ()),
        (["hello"], (DebugTarget(name="hello"),)),
        (["a:1", "b"], (DebugTarget(name="a", port=1), DebugTarget(name="b"))),
    ],
)
def test_functions_to_debug_are_read(texts: list[str], targets: tuple[DebugTarget, ...]) -> None:
    assert debug_targets(texts) == targets


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        ([":5678"], '--debug: ":5678" is not NAME or NAME:PORT'),
        (["hello:"], '--debug: "hello:" is not NAME or NAME:PORT'),
        (["hello:65536"], '--debug: "hello:65536" is not NAME or NAME:PORT'),
        (["hello:http"], '--debug: "hello:http" is not NAME or NAME:PORT'),
        (["a:1", "a:2"], "--debug: name a is given twice"),
        (["a:1", "b:1"], "--debug: port 1 is given twice"),
    ],
)
def test_what_cannot_be_debugged_is_refused(texts: list[str], error: str) -> None:
    with pytest.raises(CommandError, match=error):
        debug_targets(texts)


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(AssertionError, match=f"--debug: port {port} cannot be had"),
            started_emulator(tmp_path, f"--debug=hello:{port}"),
        ):
            pass
