import io

import pytest

from emulator.aws.functions import Functions
from emulator.aws.permissions import InvokePermissions
from emulator.observe import Reporter

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"


@pytest.mark.parametrize(("policy", "is_allowed"), [(True, True), (False, False), (None, True)])
def test_a_service_may_what_the_policy_says_and_all_where_there_is_none(
    policy: bool | None, is_allowed: bool
) -> None:
    asked = []

    def policy_allows(*question: str) -> bool | None:
        asked.append(question)
        return policy

    reporter = Reporter(io.StringIO())
    permissions = InvokePermissions(Functions(policy_allows=policy_allows), reporter)
    assert permissions.allows(FUNCTION, "sns.amazonaws.com", TOPIC, "1") is is_allowed
    assert asked == [(FUNCTION, "sns.amazonaws.com", TOPIC, "1")]
    reporter.stop()


def test_a_missing_policy_is_warned_of_once_for_each_source() -> None:
    terminal = io.StringIO()
    reporter = Reporter(terminal)
    permissions = InvokePermissions(Functions(), reporter)
    for topic in (TOPIC, TOPIC, f"{TOPIC}2"):
        assert permissions.allows(FUNCTION, "sns.amazonaws.com", topic, "1")
    reporter.stop()
    assert terminal.getvalue().count("sns.permission_missing") == 2


def test_what_a_project_binds_needs_no_policy() -> None:
    refuse = Functions(policy_allows=lambda *_: False)
    reporter = Reporter(io.StringIO())
    permissions = InvokePermissions(refuse, reporter)
    permissions.trust(TOPIC, FUNCTION)
    assert permissions.allows(FUNCTION, "sns.amazonaws.com", TOPIC, "1")
    permissions.forget()
    assert not permissions.allows(FUNCTION, "sns.amazonaws.com", TOPIC, "1")
    reporter.stop()
