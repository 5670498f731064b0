"""More connections than there are descriptors for: who is connected is served, the others wait."""

import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import started_emulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="`ulimit` is the shell's"),
]
LIMIT = 200
WITH_FEW = ("sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh", sys.executable, "-m", "emulator")
HEALTH = b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HALF_A_HEAD = b"POST /2015-03-31/functions/hello/invocations HTTP/1.1\r\n"


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD])
def test_a_crowd_that_takes_all_connections_holds_up_nobody_who_has_one(
    tmp_path: Path, sent: bytes
) -> None:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("hello", "def handler(event, context):\n    return event\n")
    with started_emulator(folder.path, command=WITH_FEW) as emulator:
        functions = emulator.client("lambda")
        assert invoke(functions, "hello", 1).document == 1
        address = ("127.0.0.1", int(emulator.endpoint.rpartition(":")[2]))
        with ExitStack() as lives:
            with ExitStack() as crowd:
                for _ in range(2 * LIMIT):
                    client = crowd.enter_context(socket.create_connection(address, timeout=30))
                    client.sendall(sent)
                emulator.wait_for_output("connections.full")
                assert psutil.Process(emulator.process.pid).num_fds() < LIMIT
                assert invoke(functions, "hello", 2).document == 2
                late = lives.enter_context(socket.create_connection(address, timeout=30))
                late.sendall(HEALTH)
            assert late.recv(12) == b"HTTP/1.1 200"  # once the others have gone
        emulator.process.send_signal(signal.SIGINT)
        assert emulator.process.wait(20) == 0
        assert emulator.whole_output().count("connections.full") == 1
        assert "Traceback" not in emulator.output
