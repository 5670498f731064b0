import json
from contextlib import suppress
from typing import Any

import psutil

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import wait_until
from tests.running_emulator import RunningEmulator


def shipped(emulator: RunningEmulator) -> dict[str, list[dict[str, Any]]]:
    """Return the records of each object, by the last part of its key."""
    s3 = emulator.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="logs").get("Contents", [])]
    bodies = [s3.get_object(Bucket="logs", Key=key)["Body"].read() for key in keys]
    return {
        key.rpartition("/")[2]: [json.loads(line) for line in body.splitlines()]
        for key, body in zip(keys, bodies, strict=True)
    }


def test_the_log_of_each_invocation_becomes_an_object(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    assert invoke(functions, "log_shipper", {"order": 7}).result == {"accepted": 7}
    emulator.settle()
    invoke(functions, "log_shipper", {"order": 8})
    emulator.settle()
    second, first = (each["request_id"] for each in emulator.invocations("log_shipper"))
    objects = shipped(emulator)
    [line] = [each["record"] for each in objects[f"{first}.jsonl"] if each["type"] == "function"]
    assert (line["message"], line["order"], line["level"]) == ("order accepted", 7, "INFO")
    types = [each["type"] for each in objects[f"{second}.jsonl"]]
    # The first one's report came when the environment ran again.
    assert types == ["platform.report", "platform.start", "function", "platform.runtimeDone"]
    functions.update_function_configuration(FunctionName="log_shipper", Description="new")
    assert wait_until(lambda: "end.jsonl" in shipped(emulator))
    assert [each["type"] for each in shipped(emulator)["end.jsonl"]] == ["platform.report"]


def test_what_an_extension_ships_at_a_reset_finds_its_bucket(emulator: RunningEmulator) -> None:
    def is_running() -> bool:
        for process in psutil.Process(emulator.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if any(part.endswith("/log-shipper") for part in process.cmdline()):
                    return True
        return False

    emulator.client("s3").create_bucket(Bucket="elsewhere")  # no bucket of the project
    functions = emulator.client("lambda")
    functions.update_function_configuration(
        FunctionName="log_shipper", Environment={"Variables": {"LOG_BUCKET": "elsewhere"}}
    )
    invoke(functions, "log_shipper", {"order": 7})
    emulator.settle()
    assert is_running()
    emulator.reset()
    assert wait_until(lambda: not is_running())
    assert "NoSuchBucket" not in emulator.output
