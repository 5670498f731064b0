import json
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.running_emulator import RunningEmulator

Start = Callable[..., RunningEmulator]
SHIPPER = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
id=$(curl -sS -D - -o /dev/null "$api/register" -H "Lambda-Extension-Name: shipper" \\
  -d '{"events": ["SHUTDOWN"]}' | grep -i extension-identifier | tr -d '[:space:]' | cut -d: -f2)
curl -sS "$api/event/next" -H "Lambda-Extension-Identifier: $id" > /dev/null
curl -sS -o /dev/null -w 'shipped: %{http_code}' -X PUT "$AWS_ENDPOINT_URL/kept/log" -d line
"""


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


def test_until_all_has_ended_functions_and_extensions_reach_s3(
    start_emulator: Start, project: Path, write_function: Callable[..., Path]
) -> None:
    source = """
        import time, boto3

        def handler(event, context):
            print("began", flush=True)
            time.sleep(0.5)
            boto3.client("s3").put_object(Bucket="kept", Key="late", Body=b"")
            return "put"
        """
    top = '[resources]\nbuckets = ["kept"]\n'
    write_function("slow", source, f'timeout_s = 30\nlayers = ["layer"]\n{top}')
    extension = project / "layer" / "extensions" / "shipper"
    extension.parent.mkdir(parents=True)
    extension.write_text(SHIPPER)
    extension.chmod(0o755)
    emulator = start_emulator(project)
    functions = emulator.client("lambda")

    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(functions.invoke, FunctionName="slow")
        emulator.wait_for_output("began")
        emulator.process.send_signal(signal.SIGTERM)
        assert json.load(call.result()["Payload"]) == "put"

    assert emulator.process.wait(20) == 0
    assert "shipped: 200" in emulator.output


def test_of_resets_at_the_same_time_one_comes_after_the_other(
    start_emulator: Start, project: Path, write_function: Callable[..., Path]
) -> None:
    for name in ("f", "g", "h"):
        trigger = f'[[functions.{name}.triggers]]\nsource = "sqs"\nqueue = "{name}"\n'
        write_function(name, "def handler(event, context): pass", trigger)
    emulator = start_emulator(project)
    queues, functions = emulator.client("sqs"), emulator.client("lambda")
    for _ in range(5):
        with ThreadPoolExecutor(4) as callers:
            for reset in [callers.submit(emulator.reset) for _ in range(4)]:
                reset.result()  # no HTTPError
        assert len(queues.list_queues()["QueueUrls"]) == 3
        assert len(functions.list_event_source_mappings()["EventSourceMappings"]) == 3
