"""AWS Config: a rule's function looks at resources and says what it thinks of them."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

CHECK = """
import json, boto3
from datetime import datetime, timezone
config, s3 = boto3.client("config"), boto3.client("s3")
def handler(event, context):
    suffix = json.loads(event["ruleParameters"])["suffix"]
    now = datetime.fromisoformat(
        json.loads(event["invokingEvent"])["notificationCreationTime"].replace("Z", "+00:00"))
    names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    if "poison" in names:
        raise RuntimeError("poison")
    config.put_evaluations(ResultToken=event["resultToken"], Evaluations=[{
        "ComplianceResourceType": "AWS::S3::Bucket",
        "ComplianceResourceId": name,
        "ComplianceType": "COMPLIANT" if name.endswith(suffix) else "NON_COMPLIANT",
        "OrderingTimestamp": now,
    } for name in names])
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["a-prod", "b-test"]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("check", CHECK)
    with running_emulator(folder.path) as emulator:
        yield emulator


def found(emulator: RunningEmulator) -> dict[str, str]:
    answer = emulator.client("config").get_compliance_details_by_config_rule(ConfigRuleName="names")
    return {
        each["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]: each[
            "ComplianceType"
        ]
        for each in answer["EvaluationResults"]
    }


def test_a_rule_is_evaluated_when_saved_and_by_its_period(emulator: RunningEmulator) -> None:
    functions, config, s3 = (emulator.client(name) for name in ("lambda", "config", "s3"))
    arn = functions.get_function(FunctionName="check")["Configuration"]["FunctionArn"]
    functions.add_permission(
        FunctionName="check",
        StatementId="config",
        Action="lambda:InvokeFunction",
        Principal="config.amazonaws.com",
        SourceAccount="000000000000",
    )
    detail = {
        "EventSource": "aws.config",
        "MessageType": "ScheduledNotification",
        "MaximumExecutionFrequency": "One_Hour",
    }
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": "names",
            "InputParameters": '{"suffix":"-prod"}',
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": arn,
                "SourceDetails": [detail],
            },
        }
    )
    emulator.settle()
    assert found(emulator) == {"a-prod": "COMPLIANT", "b-test": "NON_COMPLIANT"}
    s3.create_bucket(Bucket="c-prod")
    emulator.advance(3601)
    emulator.settle()
    assert found(emulator) == {
        "a-prod": "COMPLIANT",
        "b-test": "NON_COMPLIANT",
        "c-prod": "COMPLIANT",
    }
    s3.create_bucket(Bucket="poison")
    config.start_config_rules_evaluation(ConfigRuleNames=["names"])
    emulator.settle()
    emulator.wait_for_output("event.given_up")
    statuses = sorted(each["status"] for each in emulator.invocations("check"))
    assert statuses == ["error", "error", "error", "success", "success"]
