"""Concurrency of an account."""

import pytest

from emulator.invoke.admission import Admission
from emulator.model import LambdaError


def test_one_more_than_the_limit_is_throttled_until_one_leaves() -> None:
    admission = Admission(2)
    admission.enter("1", "us-east-1")
    admission.enter("1", "us-east-1")
    with pytest.raises(LambdaError) as throttled:
        admission.enter("1", "us-east-1")
    assert throttled.value.fault.status == 429
    assert throttled.value.body() == {
        "Reason": "ConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    admission.leave("1", "us-east-1")
    admission.enter("1", "us-east-1")


def test_accounts_and_regions_do_not_share_their_limit() -> None:
    admission = Admission(1)
    admission.enter("1", "us-east-1")
    admission.enter("1", "eu-west-1")
    admission.enter("2", "us-east-1")
    with pytest.raises(LambdaError):
        admission.enter("2", "us-east-1")
