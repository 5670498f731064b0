"""A function that misuses the APIs of its environment harms nobody but itself, and not for long."""

from pathlib import Path

from emulator.observe import Activity
from tests.runtime_api import misuse
from tests.sandbox.conftest import MakeFunction, Run

FUZZER = """
import os, random, socket
import misuse

def handler(event, context):
    if event == "calm":
        return "calm"
    chance = random.Random(event)
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    clients = []
    for _ in range(30):
        if not clients or chance.random() < 0.3:
            clients.append(socket.create_connection((host, int(port))))
            clients[-1].setblocking(False)
        try:
            chance.choice(clients).sendall(misuse.call(chance, context.aws_request_id))
        except OSError:
            pass
    return "done"
"""


def test_misuse_disturbs_no_other_environment_and_is_over_with_the_next_init_phase(
    function: MakeFunction, run: Run, activity: Activity
) -> None:
    fuzzer = function(FUZZER, timeout_s=1)
    (fuzzer.code.folder / "misuse.py").write_text(Path(misuse.__file__).read_text())
    neighbour = function("n = 0\ndef handler(e, c):\n    global n; n += 1; return n")
    for seed in range(12):
        run(fuzzer, seed)
        assert run(neighbour).payload == str(seed + 1).encode()
    assert activity.wait_idle(10)
    # What a call left behind costs each environment that it had one invocation at most.
    answers = (run(fuzzer, "calm").payload for _ in range(13))
    assert b'"calm"' in answers
