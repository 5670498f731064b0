"""Rules of AWS Config that functions evaluate."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.event_sources import Surroundings
from emulator.event_sources.config_rules import ConfigRules
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
HOUR_S = 3600


@pytest.fixture(scope="module")
def running_source(surroundings: Surroundings) -> Iterator[ConfigRules]:
    source = ConfigRules(surroundings)
    yield source
    source.stop(1)


class Lab:
    def __init__(self, source: ConfigRules, client: Client) -> None:
        self.around = source.around
        self.config = client("config")

    def put(self, message_type: str = "ScheduledNotification", **more: Any) -> None:
        detail = {"EventSource": "aws.config", "MessageType": message_type}
        if message_type == "ScheduledNotification":
            detail["MaximumExecutionFrequency"] = more.pop("frequency", "One_Hour")
        source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": ARN, "SourceDetails": [detail]}
        self.config.put_config_rule(ConfigRule={"ConfigRuleName": "r", "Source": source} | more)
        self.settle()

    def advance(self, seconds: float) -> None:
        self.around.clock.advance(seconds)
        self.settle()

    def settle(self) -> None:
        while self.around.activity.pending():
            self.around.activity.wait_idle(10)

    def results(self, **more: Any) -> list[tuple[str, str]]:
        answer = self.config.get_compliance_details_by_config_rule(ConfigRuleName="r", **more)
        return [
            (
                each["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"],
                each["ComplianceType"],
            )
            for each in answer["EvaluationResults"]
        ]


@pytest.fixture
def lab(running_source: ConfigRules, aws: Aws, client: Client, invoker: FakeInvoker) -> Lab:
    running_source.reset()
    aws.functions.arns.add(ARN)
    aws.functions.policies[ARN] = True
    return Lab(running_source, client)


def evaluation(resource: str, compliance: str, at_s: float = 1795392005.0) -> dict[str, Any]:
    return {
        "ComplianceResourceType": "AWS::S3::Bucket",
        "ComplianceResourceId": resource,
        "ComplianceType": compliance,
        "OrderingTimestamp": datetime.fromtimestamp(at_s, UTC),
    }


def token(invoker: FakeInvoker) -> str:
    return str(json.loads(invoker.calls[-1].payload)["resultToken"])


def test_a_rule_is_evaluated_with_the_event_of_aws(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put(InputParameters='{"tag":"owner"}')
    [rule] = lab.config.describe_config_rules()["ConfigRules"]
    [call] = invoker.calls
    assert (call.function, call.source, call.cause) == (ARN, "config", rule["ConfigRuleArn"])
    event = json.loads(call.payload)
    invoking = json.loads(event.pop("invokingEvent"))
    assert invoking.pop("notificationCreationTime").endswith("Z")
    assert invoking == {
        "awsAccountId": "000000000000",
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    assert event.pop("resultToken")
    role = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    assert event == {
        "version": "1.0",
        "ruleParameters": '{"tag":"owner"}',
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::000000000000:role/{role}",
        "configRuleArn": rule["ConfigRuleArn"],
        "configRuleName": "r",
        "configRuleId": rule["ConfigRuleId"],
        "accountId": "000000000000",
    }


def test_it_is_evaluated_by_its_period_until_it_is_deleted(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put(frequency="Three_Hours")
    lab.advance(3 * HOUR_S - 60)
    assert len(invoker.calls) == 1
    lab.advance(61)
    assert len(invoker.calls) == 2
    lab.advance(6 * HOUR_S)
    assert len(invoker.calls) == 4
    lab.put(frequency="One_Hour")
    lab.advance(HOUR_S + 1)
    assert len(invoker.calls) == 6
    lab.config.delete_config_rule(ConfigRuleName="r")
    lab.advance(24 * HOUR_S)
    assert len(invoker.calls) == 6


def test_it_is_evaluated_when_asked(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put()
    lab.config.start_config_rules_evaluation(ConfigRuleNames=["r"])
    assert len(invoker.calls) == 2
    with pytest.raises(ClientError, match="NoSuchConfigRule"):
        lab.config.start_config_rules_evaluation(ConfigRuleNames=["r", "other"])
    assert len(invoker.calls) == 2


def test_a_rule_on_changes_of_resources_is_never_evaluated(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put("ConfigurationItemChangeNotification")
    with pytest.raises(ClientError, match="no ScheduledNotification"):
        lab.config.start_config_rules_evaluation(ConfigRuleNames=["r"])
    assert invoker.calls == []


def test_a_rule_that_is_periodic_no_more_is_not_evaluated(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put()
    lab.put("ConfigurationItemChangeNotification")
    lab.advance(24 * HOUR_S)
    assert len(invoker.calls) == 1


def test_results_are_kept_by_resource(lab: Lab, invoker: FakeInvoker) -> None:
    lab.put()
    first = [evaluation(name, "COMPLIANT") for name in "abc"]
    lab.config.put_evaluations(Evaluations=first, ResultToken=token(invoker))
    second = [
        evaluation("a", "NON_COMPLIANT", 1795392006),
        evaluation("b", "NON_COMPLIANT", 1795392004),  # older than what is known
        evaluation("c", "NOT_APPLICABLE", 1795392006),
    ]
    lab.config.put_evaluations(Evaluations=second, ResultToken=token(invoker))
    assert lab.results() == [("b", "COMPLIANT"), ("a", "NON_COMPLIANT")]
    assert lab.results(ComplianceTypes=["NON_COMPLIANT"]) == [("a", "NON_COMPLIANT")]
    assert lab.results(Limit=1) == [("b", "COMPLIANT")]
    assert lab.results(Limit=1, NextToken="1") == [("a", "NON_COMPLIANT")]


def test_a_token_of_nobody_is_refused(lab: Lab) -> None:
    lab.put()
    with pytest.raises(ClientError, match="InvalidResultToken"):
        lab.config.put_evaluations(
            Evaluations=[evaluation("a", "COMPLIANT")], ResultToken="whatever"
        )
    assert lab.results() == []


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_function_that_cannot_be_invoked_fails_nobody(
    lab: Lab, aws: Aws, invoker: FakeInvoker, is_gone: bool
) -> None:
    if is_gone:
        invoker.gone.add(ARN)
    else:
        aws.functions.policies[ARN] = False
    lab.put()
    assert invoker.calls == []
    invoker.gone.clear()
    aws.functions.policies[ARN] = True
    lab.advance(HOUR_S + 1)
    assert len(invoker.calls) == 1
