"""CloudWatch: a metric is what its name and all its dimensions say, neither more nor fewer.

moto takes the dimensions asked for as a part of those a value may have, and no dimensions as all
of them, so the invocations of a function would be counted once for each set of dimensions.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.aws.patches import cloudwatch_alarms
from emulator.aws.patches.patching import Patch, PatchContext

_MODELS = "moto.cloudwatch.models"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.cloudwatch."""
    return [
        *cloudwatch_alarms.patches(context),
        Patch(
            f"{_MODELS}:CloudWatchBackend.get_metric_statistics",
            "self, namespace, metric_name, start_time, end_time, period, stats, dimensions, unit",
            _get_metric_statistics,
        ),
        Patch(
            f"{_MODELS}:CloudWatchBackend.get_metric_data",
            "self, queries, start_time, end_time, scan_by",
            _get_metric_data,
        ),
        Patch(
            f"{_MODELS}:are_dimensions_same",
            "metric_dimensions, dimensions",
            lambda original: lambda one, other: _key_of("", one) == _key_of("", other),
        ),
    ]


def _get_metric_statistics(original: Any) -> Any:
    def get_metric_statistics(
        self: Any, namespace: str, *arguments: Any, dimensions: Any, **more: Any
    ) -> Any:
        wanted = _key(namespace, dimensions)
        values = [datum for datum in self.get_all_metrics() if _datum_key(datum) == wanted]
        return original(_with(self, values), namespace, *arguments, dimensions=[], **more)

    return get_metric_statistics


def _get_metric_data(original: Any) -> Any:
    """Put namespace and dimensions of values and queries into one dimension that moto compares."""

    def get_metric_data(self: Any, queries: list[dict[str, Any]], **more: Any) -> Any:
        from moto.cloudwatch.models import Dimension

        values = []
        for datum in self.get_all_metrics():
            marked = copy.copy(datum)
            marked.dimensions = [Dimension("", _datum_key(datum))]
            values.append(marked)
        return original(_with(self, values), [_marked(query) for query in queries], **more)

    return get_metric_data


def _marked(query: dict[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return query
    metric = query["MetricStat"]["Metric"]
    key = _key(metric["Namespace"], metric.get("Dimensions", ()))
    metric = {**metric, "Dimensions": [{"Name": "", "Value": key}]}
    return {**query, "MetricStat": {**query["MetricStat"], "Metric": metric}}


def _with(backend: Any, values: list[Any]) -> Any:
    view = copy.copy(backend)
    view.get_all_metrics = lambda: values
    return view


def _datum_key(datum: Any) -> str:
    return _key_of(datum.namespace, datum.dimensions)


def _key_of(namespace: str, dimensions: Iterable[Any]) -> str:
    pairs = [{"Name": each.name, "Value": each.value} for each in dimensions]
    return _key(namespace, pairs)


def _key(namespace: str, dimensions: Iterable[Mapping[str, str]] | None) -> str:
    pairs = sorted((each["Name"], each["Value"]) for each in dimensions or ())
    return json.dumps([namespace, pairs])
