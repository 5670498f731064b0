"""Concurrency of an account, and of functions that reserve a part of it."""

import pytest

from emulator.invoke.admission import Admission
from emulator.model import FunctionVersion, LambdaError, ResolvedFunction, function_arn
from tests.invoke.conftest import CODE


def function(
    name: str = "orders",
    account: str = "1",
    region: str = "us-east-1",
    version: str = "$LATEST",
    reserved: int | None = None,
    account_reserved: int = 0,
) -> ResolvedFunction:
    return ResolvedFunction(
        version=FunctionVersion(
            account=account,
            region=region,
            name=name,
            version=version,
            deployment=1,
            runtime="python3.12",
            handler="app.handler",
            role="",
            code=CODE,
        ),
        invoked_arn=function_arn(account, region, name),
        reserved_concurrency=reserved,
        account_reserved=account_reserved,
    )


def refusal(admission: Admission, resolved: ResolvedFunction) -> str:
    with pytest.raises(LambdaError) as throttled:
        admission.enter(resolved)
    assert throttled.value.fault.status == 429
    body = throttled.value.body()
    assert (body["Type"], body["message"]) == ("User", "Rate Exceeded.")
    return body["Reason"]


def test_one_more_than_the_limit_is_throttled_until_one_leaves() -> None:
    admission = Admission(2)
    place = admission.enter(function("orders"))
    admission.enter(function("resize"))
    assert refusal(admission, function("orders")) == "ConcurrentInvocationLimitExceeded"
    admission.leave(place)
    admission.enter(function("resize"))


def test_accounts_and_regions_do_not_share_their_limit() -> None:
    admission = Admission(1)
    admission.enter(function(account="1"))
    admission.enter(function(account="1", region="eu-west-1"))
    admission.enter(function(account="2"))
    assert refusal(admission, function(account="2")) == "ConcurrentInvocationLimitExceeded"


def test_two_reserved_executions_admit_two_and_throttle_the_third() -> None:
    admission = Admission(1000)
    place = admission.enter(function(reserved=2))
    admission.enter(function(reserved=2, version="1"))  # versions share the reservation
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert refusal(admission, function(reserved=2)) == reason
    admission.leave(place)
    admission.enter(function(reserved=2))


def test_a_reservation_of_zero_admits_nothing() -> None:
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert refusal(Admission(1000), function(reserved=0)) == reason


def test_others_share_what_is_not_reserved() -> None:
    admission = Admission(3)
    admission.enter(function("other", account_reserved=2))
    assert refusal(admission, function("other", account_reserved=2)) == (
        "ConcurrentInvocationLimitExceeded"
    )
    admission.enter(function("orders", reserved=2, account_reserved=2))  # its part is still there


def test_what_ran_before_the_reservation_counts_for_it_and_leaves_as_it_came() -> None:
    admission = Admission(1)
    place = admission.enter(function())
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert refusal(admission, function(reserved=1)) == reason
    admission.leave(place)
    admission.enter(function(reserved=1))
    admission.enter(function("other"))
