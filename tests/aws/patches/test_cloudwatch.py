"""Metrics of Lambda by CloudWatch's API, each under exactly the dimensions asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.aws.conftest import Aws, Client

ARN = "arn:aws:lambda:us-east-1:000000000000:function:orders"
DIMENSIONS = [{"Name": "FunctionName", "Value": "orders"}]
MORE = {"FunctionName": "orders", "EventSourceMappingUUID": "1"}


@pytest.fixture
def cloudwatch(aws: Aws, client: Client) -> Any:
    """With three events for one function, one of them of a mapping, and one for another."""
    for name, times in (("orders", 2), ("resize", 1)):
        for _ in range(times):
            aws.metrics.of_function("Events", ARN.replace("orders", name))
    aws.metrics.count("Events", account="0" * 12, region="us-east-1", dimensions=MORE)
    return client("cloudwatch")


def period(aws: Aws) -> dict[str, datetime]:
    now = datetime.fromtimestamp(aws.clock.now(), UTC)
    return {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("dimensions", "total"),
    [
        (DIMENSIONS, 2),
        ([], 3),
        ([{"Name": name, "Value": value} for name, value in MORE.items()], 1),
        ([{"Name": name, "Value": value} for name, value in reversed(MORE.items())], 1),
        ([{"Name": "FunctionName", "Value": "unknown"}], None),
    ],
)
def test_statistics_are_those_of_exactly_these_dimensions(
    aws: Aws, cloudwatch: Any, dimensions: list[dict[str, str]], total: float | None
) -> None:
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Events",
        Dimensions=dimensions,
        Period=3600,
        Statistics=["Sum"],
        **period(aws),
    )["Datapoints"]
    assert [point["Sum"] for point in points] == ([] if total is None else [total])

    metric = {"Namespace": "AWS/Lambda", "MetricName": "Events", "Dimensions": dimensions}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query], **period(aws))
    assert answer["MetricDataResults"][0]["Values"] == ([] if total is None else [total])


def test_metrics_are_listed_once_each(cloudwatch: Any) -> None:
    cloudwatch.list_metrics()
    listed = cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Events")["Metrics"]
    found = sorted(
        sorted((each["Name"], each["Value"]) for each in metric["Dimensions"]) for metric in listed
    )
    assert found == [
        [],
        [("EventSourceMappingUUID", "1"), ("FunctionName", "orders")],
        [("FunctionName", "orders")],
        [("FunctionName", "resize")],
    ]


def test_lambda_may_take_a_region_that_cloudwatch_has_not(aws: Aws, client: Client) -> None:
    aws.metrics.count("Events", account="0" * 12, region="nowhere-1")
    assert client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"] == []
