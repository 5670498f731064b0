import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from tests.running_emulator import RunningEmulator

Start = Callable[..., RunningEmulator]


def test_a_folder_without_a_project_has_no_functions(start_emulator: Start, project: Path) -> None:
    emulator = start_emulator(project)

    health = emulator.request("GET", "/_emulator/health")

    assert (health["status"], health["functions"]) == ("running", 0)
    assert emulator.request("GET", "/_localstack/health") == health


def test_a_stop_waits_for_what_is_running(
    start_emulator: Start, project: Path, write_function: Callable[..., Path]
) -> None:
    write_function(
        "slow",
        """
        import time

        def handler(event, context):
            print("began", flush=True)
            time.sleep(1)
            return "finished"
        """,
    )
    emulator = start_emulator(project)
    functions = emulator.client("lambda")
    answers: list[str] = []

    def invoke() -> None:
        answers.append(json.load(functions.invoke(FunctionName="slow")["Payload"]))

    caller = threading.Thread(target=invoke, name="caller")
    caller.start()
    emulator.wait_for_output("began")
    emulator.process.send_signal(signal.SIGTERM)
    caller.join()

    assert answers == ["finished"]
    assert emulator.process.wait(20) == 0
