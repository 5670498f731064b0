"""What is summed of each minute, and under which dimensions it is handed out."""

from dataclasses import replace
from pathlib import Path

import pytest

from emulator.model import (
    Clock,
    CodePackage,
    FunctionVersion,
    Invocation,
    InvocationResult,
    ResolvedFunction,
    Status,
    function_arn,
)
from emulator.model.invocation import InvocationLog
from emulator.observe import InvocationRecord, Metrics, MetricStatistics
from emulator.observe.metrics import KEPT_SERIES

ACCOUNT, REGION = "000000000000", "us-east-1"
CODE = CodePackage(folder=Path("nowhere"), sha256="", size_bytes=0)
VERSION = FunctionVersion(
    account=ACCOUNT,
    region=REGION,
    name="orders",
    deployment=1,
    runtime="python3.12",
    handler="app.handler",
    role="",
    code=CODE,
)
BY_FUNCTION = (("FunctionName", "orders"),)
BY_RESOURCE = (("FunctionName", "orders"), ("Resource", "orders"))


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.freeze(True)
    clock.advance(60 - clock.now() % 60)  # a minute begins
    return clock


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


def record(
    at_s: float, *, ms: float = 5.0, failed: bool = False, qualifier: str | None = None
) -> InvocationRecord:
    result = InvocationResult(
        payload=b"",
        status=Status.ERROR if failed else Status.SUCCESS,
        function_error="Unhandled" if failed else None,
        error_type=None,
        executed_version="7" if qualifier else "$LATEST",
        log=InvocationLog(),
        duration_ms=ms,
        billed_ms=1,
        init_ms=None,
        max_memory_mib=None,
        environment_id="7f3a",
    )
    arn = function_arn(ACCOUNT, REGION, "orders", qualifier)
    invocation = Invocation(request_id="1", payload=b"", invoked_arn=arn, trace_header="")
    return InvocationRecord(
        function_version=VERSION,
        invocation=invocation,
        result=result,
        accepted_at=at_s,
        started_at=at_s,
        finished_at=at_s,
    )


def invoke(metrics: Metrics, made: InvocationRecord) -> None:
    metrics.started(VERSION, made.started_at)
    metrics.ended(VERSION, made)


def found(drained: list[MetricStatistics], name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {each.dimensions: each.total for each in drained if each.name == name}


def test_values_of_a_minute_are_summed(clock: Clock, metrics: Metrics) -> None:
    for value in (3.0, 1.0, 2.0):
        metrics.count("EventCount", value, account=ACCOUNT, region=REGION, dimensions={"a": "b"})
    [drained] = metrics.drain()
    assert drained == MetricStatistics(
        account=ACCOUNT,
        region=REGION,
        name="EventCount",
        unit="Count",
        dimensions=(("a", "b"),),
        minute_s=round(clock.now()),
        samples=3,
        total=6.0,
        minimum=1.0,
        maximum=3.0,
    )
    assert metrics.drain() == []


def test_minutes_accounts_and_dimensions_stay_apart(clock: Clock, metrics: Metrics) -> None:
    metrics.count("x", account=ACCOUNT, region=REGION)
    clock.advance(60)
    metrics.count("x", account=ACCOUNT, region=REGION)
    metrics.count("x", account="1" * 12, region=REGION)
    metrics.count("x", account=ACCOUNT, region=REGION, dimensions={"a": "b"})
    drained = metrics.drain()
    assert [each.samples for each in drained] == [1] * 4
    assert drained[0].minute_s == drained[1].minute_s - 60


def test_an_invocation_counts_for_its_function_its_resource_and_all_functions(
    clock: Clock, metrics: Metrics
) -> None:
    invoke(metrics, record(clock.now(), ms=5.0))
    invoke(metrics, record(clock.now(), ms=7.0, failed=True))
    drained = metrics.drain()
    everywhere = ((), BY_FUNCTION, BY_RESOURCE)
    assert found(drained, "Invocations") == dict.fromkeys(everywhere, 2)
    assert found(drained, "Errors") == dict.fromkeys(everywhere, 1)
    assert found(drained, "Throttles") == dict.fromkeys(everywhere, 0)
    assert found(drained, "Duration") == dict.fromkeys(everywhere, 12)
    [duration] = {
        (each.minimum, each.maximum, each.samples) for each in drained if each.name == "Duration"
    }
    assert duration == (5.0, 7.0, 2)


def test_an_alias_has_its_version_beside_it_and_a_version_has_not(
    clock: Clock, metrics: Metrics
) -> None:
    invoke(metrics, record(clock.now(), qualifier="prod"))
    invoke(metrics, record(clock.now(), qualifier="7"))
    by_alias = (("FunctionName", "orders"), ("Resource", "orders:prod"))
    by_version = (("FunctionName", "orders"), ("Resource", "orders:7"))
    assert found(metrics.drain(), "Invocations") == {
        (): 2,
        BY_FUNCTION: 2,
        by_alias: 1,
        (("ExecutedVersion", "7"), *by_alias): 1,
        by_version: 1,
    }


def test_what_is_provisioned_is_in_use_and_what_it_lacks_spills_over(
    clock: Clock, metrics: Metrics
) -> None:
    version = replace(VERSION, version="7")
    arn = function_arn(ACCOUNT, REGION, "orders", "prod")
    resolved = ResolvedFunction(version=version, invoked_arn=arn, provisioned=4)
    metrics.provisioned(resolved, clock.now(), in_use=1, is_spilled=False)
    metrics.provisioned(resolved, clock.now(), in_use=4, is_spilled=True)
    drained = metrics.drain()
    by_alias = (("FunctionName", "orders"), ("Resource", "orders:prod"))
    everywhere = (BY_FUNCTION, by_alias, (("ExecutedVersion", "7"), *by_alias))
    for name, value in (
        ("ProvisionedConcurrencyInvocations", 1),
        ("ProvisionedConcurrencySpilloverInvocations", 1),
        ("ProvisionedConcurrentExecutions", 5),
        ("ProvisionedConcurrencyUtilization", 1.25),
    ):
        assert found(drained, name) == dict.fromkeys(everywhere, value), name


def test_a_throttle_is_no_invocation(metrics: Metrics) -> None:
    metrics.throttled(VERSION, VERSION.arn)
    drained = metrics.drain()
    assert found(drained, "Throttles") == dict.fromkeys(((), BY_FUNCTION, BY_RESOURCE), 1)
    assert found(drained, "Invocations") == {}


def test_what_runs_at_once_is_seen_at_its_most(clock: Clock, metrics: Metrics) -> None:
    other = replace(VERSION, name="resize")
    metrics.started(VERSION, clock.now())
    metrics.started(VERSION, clock.now())
    metrics.started(other, clock.now())
    metrics.ended(VERSION, None)  # nothing ran after all
    metrics.ended(VERSION, record(clock.now()))
    metrics.started(VERSION, clock.now())
    most = {
        each.dimensions: each.maximum
        for each in metrics.drain()
        if each.name == "ConcurrentExecutions"
    }
    assert most == {(): 3, BY_FUNCTION: 2, (("FunctionName", "resize"),): 1}


def test_a_metric_of_a_function_counts_for_all_functions_too(metrics: Metrics) -> None:
    metrics.of_function("AsyncEventAge", VERSION.qualified_arn, 12.0, "Milliseconds")
    drained = metrics.drain()
    assert found(drained, "AsyncEventAge") == {(): 12.0, BY_FUNCTION: 12.0}
    assert {each.unit for each in drained} == {"Milliseconds"}


def test_what_nobody_drains_is_bounded_and_the_newest_stays(clock: Clock, metrics: Metrics) -> None:
    for number in range(KEPT_SERIES + 10):
        metrics.count("x", account=ACCOUNT, region=REGION, dimensions={"n": str(number)})
    invoke(metrics, record(clock.now()))
    assert metrics.kept_series <= KEPT_SERIES
    drained = metrics.drain()
    assert (("n", str(KEPT_SERIES + 9)),) in found(drained, "x")
    assert found(drained, "Invocations")[BY_FUNCTION] == 1


def test_a_reset_forgets_the_values(clock: Clock, metrics: Metrics) -> None:
    metrics.started(VERSION, clock.now())
    metrics.reset()
    metrics.ended(VERSION, None)
    assert metrics.drain() == []
