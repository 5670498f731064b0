"""The door: synchronous calls, checks, and what they leave behind."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.invoke.recursion import advanced
from emulator.model import Invocation, InvocationResult, LambdaError, limits

if TYPE_CHECKING:
    from tests.invoke.conftest import Workbench

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
NOT_SAMPLED = TRACE.replace("Sampled=1", "Sampled=0")


def test_a_call_gets_the_functions_result_and_the_id_of_the_request(
    bench: "Workbench", success: InvocationResult
) -> None:
    seen: list[Invocation] = []

    def handler(invocation: Invocation) -> InvocationResult:
        seen.append(invocation)
        return success

    bench.deploy("orders", handler)
    result, request_id = bench.run(
        payload=b'{"id":1}',
        qualifier="prod",
        client_context='{"custom":{}}',
        trace_header=TRACE,
        source="url",
        cause="photos/cat.jpg",
    )
    assert result is success
    assert seen == [
        Invocation(
            request_id=request_id,
            payload=b'{"id":1}',
            invoked_arn="arn:aws:lambda:us-east-1:000000000000:function:orders:prod",
            trace_header=advanced(TRACE, f"{ARN}:orders"),
            client_context='{"custom":{}}',
            source="url",
            cause="photos/cat.jpg",
        )
    ]


@pytest.mark.parametrize("operation", ["run", "accept"])
@pytest.mark.parametrize(
    ("is_traced", "members", "is_sampled"),
    [
        (False, {}, "0"),
        (True, {}, "1"),
        (True, {"trace_header": NOT_SAMPLED}, "0"),
        (True, {"trace_header": NOT_SAMPLED, "is_new_trace": True}, "1"),
        (False, {"trace_header": NOT_SAMPLED, "is_new_trace": True}, "0"),
        (False, {"trace_header": TRACE}, "1"),
    ],
)
def test_active_tracing_samples_what_no_caller_has_decided_on(
    bench: "Workbench",
    success: InvocationResult,
    operation: str,
    is_traced: bool,
    members: dict[str, Any],
    is_sampled: str,
) -> None:
    seen: list[str] = []

    def handler(invocation: Invocation) -> InvocationResult:
        seen.append(invocation.trace_header.partition(";Sampled=")[2][:1])
        return success

    bench.functions.version_settings = {"is_traced": is_traced}
    bench.deploy("orders", handler)
    getattr(bench, operation)(**members)
    bench.settle()
    assert seen == [is_sampled]


@pytest.mark.parametrize("operation", ["run", "accept", "check", "stream"])
@pytest.mark.parametrize(
    ("isolates_tenants", "tenant_id", "text"),
    [
        (
            True,
            None,
            "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in"
            " your request and try again.",
        ),
        (False, "blue", "is not enabled with tenancy configuration"),
    ],
)
def test_a_tenant_is_named_exactly_where_tenants_are_isolated(
    bench: "Workbench", operation: str, isolates_tenants: bool, tenant_id: str | None, text: str
) -> None:
    bench.functions.version_settings = {"isolates_tenants": isolates_tenants}
    bench.deploy("orders")
    with pytest.raises(LambdaError, match=text) as caught:
        getattr(bench.invoker, operation)(bench.call(tenant_id=tenant_id))
    assert caught.value.code == "InvalidParameterValueException"


@pytest.mark.parametrize("operation", ["run", "accept"])
def test_an_invocation_says_whose_it_is(
    bench: "Workbench", success: InvocationResult, operation: str
) -> None:
    seen: list[str | None] = []

    def handler(invocation: Invocation) -> InvocationResult:
        seen.append(invocation.tenant_id)
        return success

    bench.functions.version_settings = {"isolates_tenants": True}
    bench.deploy("orders", handler)
    getattr(bench, operation)(tenant_id="blue")
    bench.settle()
    assert seen == ["blue"]


@pytest.mark.parametrize("operation", ["run", "accept", "check"])
@pytest.mark.parametrize(
    ("function", "members", "code"),
    [
        ("ordres", {}, "ResourceNotFoundException"),
        ("orders", {"qualifier": "beta"}, "ResourceNotFoundException"),
        ("orders", {"payload": b"{"}, "InvalidRequestContentException"),
        ("pending", {}, "ResourceConflictException"),
    ],
)
def test_all_three_operations_refuse_the_same_calls(
    bench: "Workbench", operation: str, function: str, members: dict[str, object], code: str
) -> None:
    bench.deploy("orders")
    bench.deploy("pending")
    bench.functions.inactive.add("pending")
    with pytest.raises(LambdaError) as refused:
        getattr(bench.invoker, operation)(bench.call(function, **members))
    assert refused.value.code == code
    assert bench.invoker.backlog().depth == 0
    assert bench.sandbox.deployments == []


def test_a_dry_run_runs_nothing(bench: "Workbench") -> None:
    bench.deploy("orders")
    bench.invoker.check(bench.call())
    assert bench.sandbox.deployments == []
    assert bench.records.newest() == []


def test_a_synchronous_event_may_be_larger_than_an_asynchronous_one(bench: "Workbench") -> None:
    bench.deploy("orders")
    large = b'"' + b"x" * limits.ASYNC_REQUEST_BYTES + b'"'
    bench.run(payload=large)
    with pytest.raises(LambdaError, match="smaller than 1048576 bytes"):
        bench.accept(payload=large)
    with pytest.raises(LambdaError, match="smaller than 6291456 bytes"):
        bench.run(payload=b'"' + b"x" * limits.SYNC_REQUEST_BYTES + b'"')


def test_calls_beyond_the_accounts_concurrency_are_throttled(
    make_bench: "Callable[..., Workbench]", success: InvocationResult
) -> None:
    bench = make_bench(account_concurrency=2)
    both_run, release = threading.Barrier(3), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        both_run.wait(10)
        assert release.wait(10)
        return success

    bench.deploy("orders", handler)
    with ThreadPoolExecutor(2) as callers:
        calls = [callers.submit(bench.run) for _ in range(2)]
        both_run.wait(10)
        with pytest.raises(LambdaError) as throttled:
            bench.run()
        release.set()
        assert all(call.result(10) for call in calls)
    assert throttled.value.members == {"Reason": "ConcurrentInvocationLimitExceeded"}
    bench.sandbox.handlers["orders"] = lambda _: success
    bench.run()
    assert bench.activity.pending() == {}


def test_a_call_that_the_sandbox_refuses_frees_its_place(
    make_bench: "Callable[..., Workbench]",
) -> None:
    bench = make_bench(account_concurrency=1)

    def handler(_: Invocation) -> InvocationResult:
        raise LambdaError("ServiceException", "no sandbox")

    bench.deploy("orders", handler)
    for _ in range(3):
        with pytest.raises(LambdaError, match="no sandbox"):
            bench.run()
    assert bench.activity.pending() == {}
    assert [line["error"] for line in bench.lines("invoke.refused")] == ["ServiceException"] * 3


def test_an_invocation_is_pending_while_it_runs(
    bench: "Workbench", success: InvocationResult
) -> None:
    pending: list[dict[str, int]] = []

    def handler(_: Invocation) -> InvocationResult:
        pending.append(bench.activity.pending())
        return success

    bench.deploy("orders", handler)
    bench.run()
    assert pending == [{"invocations": 1}]
    assert bench.activity.pending() == {}


def test_every_invocation_leaves_a_record_and_a_line(
    bench: "Workbench", failure: InvocationResult
) -> None:
    bench.deploy("orders")
    bench.deploy("broken", lambda _: failure)
    bench.clock.freeze(True)
    _, request_id = bench.run("orders", source="s3", cause="photos/cat.jpg", payload=b"[1]")
    bench.run("broken")
    broken, orders = bench.records.newest()
    assert (orders.request_id, orders.function, orders.event) == (request_id, "orders", "[1]")
    assert (orders.source, orders.cause, orders.status) == ("s3", "photos/cat.jpg", "success")
    assert orders.accepted_at == orders.started_at == orders.finished_at == bench.clock.now()
    assert (broken.function, broken.status, broken.is_cold) == ("broken", "error", True)
    first, second = bench.lines("invoke.finished")
    assert first == {
        "event": "invoke.finished",
        "function": "orders",
        "version": "$LATEST",
        "request": request_id,
        "env": "7f3a",
        "status": "ok",
        "source": "s3",
        "cold": False,
        "ms": 7.4,
    }
    assert (second["status"], second["error"], second["init_ms"]) == ("error", "KeyError", 41.0)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"errorType": "KeyError"}', "KeyError"),
        (b'{"errorType": 3}', "Runtime.Unknown"),
        (b"[1]", "Runtime.Unknown"),
        (b"no JSON", "Runtime.Unknown"),
    ],
)
def test_the_line_names_what_the_function_raised(
    bench: "Workbench", failure: InvocationResult, payload: bytes, shown: str
) -> None:
    unnamed = replace(failure, error_type="Runtime.Unknown", payload=payload)
    bench.deploy("orders", lambda _: unnamed)
    bench.run()
    [line] = bench.lines("invoke.finished")
    assert line["error"] == shown


def test_code_that_was_read_half_saved_gives_way_to_what_was_saved_in_the_end(
    bench: "Workbench", success: InvocationResult, failure: InvocationResult
) -> None:
    def half_saved(_: Invocation) -> InvocationResult:
        bench.deploy("orders", lambda _: success)  # the rest of the save arrives
        return replace(failure, has_run=False)

    bench.deploy("orders", half_saved)
    assert bench.run()[0] is success
    assert bench.sandbox.deployments == [1, 2]


def test_code_that_does_not_load_is_the_answer(
    bench: "Workbench", failure: InvocationResult
) -> None:
    broken = replace(failure, has_run=False)
    bench.deploy("orders", lambda _: broken)
    assert bench.run()[0] is broken
