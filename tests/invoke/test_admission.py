"""Concurrency of an account, and of functions that reserve a part of it."""

import pytest

from emulator.invoke.admission import Admission, is_provisioned
from emulator.model import FunctionVersion, LambdaError, ResolvedFunction, function_arn
from tests.invoke.conftest import CODE


def function(
    name: str = "orders",
    account: str = "1",
    region: str = "us-east-1",
    version: str = "$LATEST",
    reserved: int | None = None,
    account_reserved: int = 0,
    provisioned: int = 0,
    function_provisioned: int = 0,
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
        provisioned=provisioned,
        function_provisioned=function_provisioned,
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


def test_what_a_version_has_provisioned_is_its_own_and_the_rest_comes_from_the_account() -> None:
    admission = Admission(2)
    provisioned = function(version="1", account_reserved=1, provisioned=1, function_provisioned=1)
    others = function("resize", account_reserved=1)
    admission.enter(others)
    assert refusal(admission, others) == "ConcurrentInvocationLimitExceeded"
    place = admission.enter(provisioned)
    assert is_provisioned(place)
    assert admission.provisioned_in_use(provisioned.version) == 1
    assert refusal(admission, provisioned) == "ConcurrentInvocationLimitExceeded"
    admission.leave(place)
    assert admission.provisioned_in_use(provisioned.version) == 0
    admission.enter(provisioned)


@pytest.mark.parametrize("reserved", [None, 5])
def test_what_finds_no_room_in_what_is_provisioned_runs_elsewhere(reserved: int | None) -> None:
    admission = Admission(10)
    resolved = function(
        version="1", reserved=reserved, account_reserved=1, provisioned=1, function_provisioned=1
    )
    assert [is_provisioned(admission.enter(resolved)) for _ in range(2)] == [True, False]
    assert admission.provisioned_in_use(resolved.version) == 1


def test_beyond_what_is_provisioned_a_function_gets_the_rest_of_its_reservation() -> None:
    admission = Admission(1_000)

    def version(number: str, provisioned: int = 0) -> ResolvedFunction:
        return function(version=number, reserved=2, provisioned=provisioned, function_provisioned=1)

    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    admission.enter(version("$LATEST"))
    assert refusal(admission, version("$LATEST")) == reason
    place = admission.enter(version("1", provisioned=1))
    assert refusal(admission, version("1", provisioned=1)) == reason
    admission.leave(place)
    admission.enter(version("1", provisioned=1))
