"""A CloudWatch alarm that invokes a function when its state changes."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

PAGE = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    data = event["alarmData"]
    if data["state"]["reason"] == "fail":
        raise RuntimeError("no")
    s3.put_object(Bucket="pages", Key=f"{data['alarmName']} {data['state']['value']}")
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["pages"]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("page", PAGE)
    with running_emulator(folder.path) as emulator:
        yield emulator


def test_a_change_of_state_invokes_the_function_and_a_failure_is_tried_again(
    emulator: RunningEmulator,
) -> None:
    functions, cloudwatch = emulator.client("lambda"), emulator.client("cloudwatch")
    arn = functions.get_function(FunctionName="page")["Configuration"]["FunctionArn"]
    alarm_arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors"
    functions.add_permission(
        FunctionName="page",
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceArn=alarm_arn,
        SourceAccount="000000000000",
    )
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
        OKActions=[arn],
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="fail")
    emulator.settle()
    pages = emulator.client("s3").list_objects_v2(Bucket="pages")["Contents"]
    assert [each["Key"] for each in pages] == ["errors ALARM"]
    records = emulator.invocations("page")
    assert sorted(each["status"] for each in records) == ["error", "error", "error", "success"]
    assert {(each["source"], each["cause"]) for each in records} == {("cloudwatch", alarm_arn)}
