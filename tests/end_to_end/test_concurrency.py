"""Callers at once: in one round, beside slow neighbours, by the queue of events."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

CALLERS = 32
SLEEPER = """
import time
def handler(event, context):
    time.sleep(event)
    return context.log_stream_name
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    for name in ("sleeper", "slow", "fast"):
        folder.add(name, SLEEPER, "timeout_s = 20")
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    config = Config(max_pool_connections=2 * CALLERS, retries={"total_max_attempts": 1})
    return emulator.client("lambda", config=config)


def seconds(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def at_once(functions: Any, name: str, event: float) -> list[str]:
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = [callers.submit(invoke, functions, name, event) for _ in range(CALLERS)]
        return [call.result().result for call in calls]


@pytest.mark.slow
def test_32_callers_of_a_50_ms_function_take_about_one_round(functions: Any) -> None:
    at_once(functions, "sleeper", 0.3)  # so slow that each needs an environment of its own

    took_s = min(seconds(lambda: at_once(functions, "sleeper", 0.05)) for _ in range(5))

    # One after the other it would be 1.6 s; boto3 alone takes 32 times some 3 ms here.
    assert took_s < 0.4


@pytest.mark.slow
def test_every_concurrent_caller_has_an_environment_of_its_own(functions: Any) -> None:
    assert len(set(at_once(functions, "sleeper", 0.3))) == CALLERS


@pytest.mark.slow
def test_a_slow_function_does_not_delay_a_fast_one(functions: Any) -> None:
    invoke(functions, "fast", 0)

    def latency_s() -> float:
        times = sorted(seconds(lambda: invoke(functions, "fast", 0)) for _ in range(60))
        return times[len(times) // 2]

    alone_s = latency_s()
    with ThreadPoolExecutor(8) as callers:
        slow = [callers.submit(invoke, functions, "slow", 3) for _ in range(8)]
        assert wait_until(lambda: not any(call.done() for call in slow))
        beside_s = latency_s()
        assert not any(call.done() for call in slow)
        for call in slow:
            call.result()
    assert beside_s < 3 * alone_s + 0.01


@pytest.mark.slow
def test_32_events_of_a_slow_function_run_all_at_once(
    emulator: RunningEmulator, functions: Any
) -> None:
    def run_all_at_once(seconds_each: float) -> bool:
        for _ in range(CALLERS):
            event = json.dumps(seconds_each).encode()
            functions.invoke(FunctionName="slow", InvocationType="Event", Payload=event)
        emulator.settle()
        records = [each for each in emulator.invocations("slow") if each["event"] == seconds_each]
        assert len(records) == CALLERS
        latest_start = max(each["started_at"] for each in records)
        return bool(latest_start < min(each["finished_at"] for each in records))

    # A machine that is busy otherwise takes longer to find out that it pays to run them all.
    assert any(run_all_at_once(seconds_each) for seconds_each in (1.1, 1.2, 2, 4, 8))


@pytest.mark.slow
def test_slow_events_of_one_function_do_not_delay_those_of_another(
    emulator: RunningEmulator, functions: Any
) -> None:
    for _ in range(CALLERS):
        functions.invoke(FunctionName="slow", InvocationType="Event", Payload=b"2")
    request = functions.invoke(FunctionName="fast", InvocationType="Event", Payload=b"0")
    request_id = request["ResponseMetadata"]["RequestId"]

    assert wait_until(
        lambda: any(each["request_id"] == request_id for each in emulator.invocations("fast")),
        timeout_s=1.5,
    )
    emulator.settle()
