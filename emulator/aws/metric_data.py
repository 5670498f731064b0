"""Lambda's metrics, on their way into CloudWatch."""

from collections.abc import Iterable

from emulator.observe import MetricStatistics


def write_metrics(metrics: Iterable[MetricStatistics]) -> None:
    """Add values to CloudWatch's metrics of Lambda. The lock of CloudWatch must be held."""
    from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
    from moto.core.utils import utcfromtimestamp

    for metric in metrics:
        regions = cloudwatch_backends[metric.account]
        if metric.region not in regions:
            continue  # Lambda takes any region's name here, CloudWatch does not
        regions[metric.region].metric_data.append(
            MetricAggregatedDatum(
                namespace="AWS/Lambda",
                name=metric.name,
                min_stat=metric.minimum,
                max_stat=metric.maximum,
                sample_count=metric.samples,
                sum_stat=metric.total,
                dimensions=[{"Name": name, "Value": value} for name, value in metric.dimensions],
                timestamp=utcfromtimestamp(metric.minute_s),
                unit=metric.unit,
            )
        )
