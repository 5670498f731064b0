"""Mappings that change while they read, and accidents."""

import gc
import threading
import weakref
from typing import Any

import pytest

from emulator.event_sources.mappings import Mappings
from emulator.invoke.runner_threads import RunnerThreads
from tests.aws.conftest import Aws
from tests.event_sources.conftest import answered
from tests.event_sources.kinesis.kinesis_lab import given, put, texts
from tests.event_sources.stream_lab import FUNCTION, STREAM, UUID, StreamLab, failing


def test_options_change_between_two_attempts(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = failing(lambda event: "b" in texts(event))
    lab.map(batch_size=2)
    put(kinesis, *"abc")
    lab.advance(0.25)
    lab.map(bisects_batch=True, maximum_retries=0)
    lab.advance(0.5)
    assert given(lab) == ["ab", "ab", "ab", "a", "b", "c"]


def test_another_parallelization_factor_loses_nothing(lab: StreamLab, kinesis: Any) -> None:
    lab.map(parallelization_factor=4, batch_size=1)
    for value in range(20):
        put(kinesis, str(value), key=str(value))
        if value in (5, 12):
            lab.map(parallelization_factor=2 if value == 5 else 1)
    found = [int(text) for text in given(lab)]
    assert set(found) == set(range(20))


def test_an_accident_while_reading_loses_nothing(
    lab: StreamLab, kinesis: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = aws.moto.streams.read
    accidents = [OSError("no memory")]

    def fail_once(*arguments: Any) -> Any:
        if accidents:
            raise accidents.pop()
        return read(*arguments)

    lab.map()
    lab.settle()
    monkeypatch.setattr(aws.moto.streams, "read", fail_once)
    put(kinesis, "a")
    assert given(lab) == []
    lab.advance(1)
    assert given(lab) == ["a"]
    put(kinesis, "b")
    assert given(lab) == ["a", "b"]


def test_a_lane_that_found_no_thread_goes_on_a_second_later(
    lab: StreamLab, kinesis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = RunnerThreads.start, threading.Event()

    def refuse_once(self: RunnerThreads, job: Any) -> None:
        if "_act_and_go_on" in str(job) and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        start(self, job)

    monkeypatch.setattr(RunnerThreads, "start", refuse_once)
    records = [{"Data": b"x", "PartitionKey": key} for key in "abcdefgh"]
    kinesis.put_records(StreamName="s", Records=records)
    lab.map(parallelization_factor=2)
    lab.settle()
    assert refused.is_set()
    lab.advance(1)
    assert sum(len(event["Records"]) for event in lab.events) == len(records)


def test_a_window_that_gets_many_records_keeps_one_alarm(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = lambda call: answered(b'{"state": {}}')
    lab.map(tumbling_window_s=900)
    lab.around.clock.freeze(False)
    before = len(lab.around.alarms._heap)
    for number in range(50):
        put(kinesis, str(number))
        lab.settle()
    lab.around.clock.freeze(True)
    assert len(lab.around.alarms._heap) <= before + 2


def test_a_slow_function_delays_no_other_mapping(lab: StreamLab, kinesis: Any) -> None:
    release, began, other_ran = threading.Event(), threading.Event(), threading.Event()

    def hold(call: Any) -> None:
        if call.function == FUNCTION:
            began.set()
            assert release.wait(10)
        else:
            other_ran.set()

    lab.invoker.on_call = hold
    other = StreamLab(lab.around, lab.invoker, STREAM)
    lab.map()
    other.map(uuid="2" * 8, function_arn=FUNCTION + "2")
    put(kinesis, "1")
    assert began.wait(5)  # else both records may come in one batch
    assert other_ran.wait(5)
    other_ran.clear()
    put(kinesis, "2")
    assert other_ran.wait(5)
    release.set()
    assert len(lab.events) == 4


@pytest.mark.parametrize("times", [1, 2])
def test_a_mapping_that_is_enabled_again_waits_for_what_still_runs(
    lab: StreamLab, kinesis: Any, times: int
) -> None:
    release, began = threading.Event(), threading.Event()

    def hold(call: Any) -> None:
        began.set()
        assert release.wait(10)

    lab.invoker.on_call = hold
    lab.map()
    put(kinesis, "1")
    assert began.wait(5)
    for _ in range(times):
        lab.map(is_enabled=False)
        lab.map(is_enabled=True)
    put(kinesis, "2")
    assert not lab.around.activity.wait_idle(0.2)
    assert len(lab.invoker.calls) == 1
    release.set()
    assert given(lab) == ["1", "2"]


def test_pollers_of_a_mapping_that_is_enabled_often_are_forgotten(
    lab: StreamLab, kinesis: Any, source: Mappings
) -> None:
    lab.map()
    put(kinesis, "1")
    assert given(lab) == ["1"]
    first = weakref.ref(source._pollers[UUID])
    for _ in range(3):
        lab.map(is_enabled=False)
        lab.map(is_enabled=True)
        lab.settle()
    gc.collect()
    assert first() is None
