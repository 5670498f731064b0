import json
import urllib.request
from pathlib import Path

from tests.nats_server import needs_server, running_nats
from tests.running_emulator import REPOSITORY, RunningEmulator, running_emulator

pytestmark = needs_server


def test_a_request_is_answered_with_itself(tmp_path: Path) -> None:
    with (
        running_nats(tmp_path) as (server, client),
        running_emulator(REPOSITORY, "--no-watch", "--nats", server.url) as emulator,
    ):
        bind(emulator, "echo.>", "nats_echo")
        reply = client.request("echo.a.b", b"hello")
        assert json.loads(reply.data) == {"echo": "hello", "subject": "echo.a.b"}


def bind(emulator: RunningEmulator, subject: str, function: str) -> None:
    body = json.dumps({"subject": subject, "function": function}).encode()
    request = urllib.request.Request(emulator.endpoint + "/_emulator/nats", body)
    urllib.request.urlopen(request).close()
