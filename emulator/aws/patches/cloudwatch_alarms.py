"""CloudWatch alarms: the state they begin with and keep, and what a change of it sets off."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from emulator.aws.alarm_facts import AlarmMetric, AlarmState, AlarmStateFact
from emulator.aws.patches.patching import Patch, PatchContext

_BACKEND: Final = "moto.cloudwatch.models:CloudWatchBackend"
_KEPT: Final = (
    *("history", "state_reason", "state_reason_data"),
    *("state_value", "state_updated_timestamp"),
)
_ACTIONS: Final = {  # by the new state
    "ALARM": "alarm_actions",
    "OK": "ok_actions",
    "INSUFFICIENT_DATA": "insufficient_data_actions",
}


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.cloudwatch that have to do with alarms."""
    return [
        Patch(
            f"{_BACKEND}.put_metric_alarm",
            "self, name, namespace, metric_name, comparison_operator, evaluation_periods, period, "
            "threshold, statistic, description, dimensions, alarm_actions, metric_data_queries, "
            "datapoints_to_alarm, extended_statistic, ok_actions, insufficient_data_actions, unit, "
            "actions_enabled, treat_missing_data, evaluate_low_sample_count_percentile, "
            "threshold_metric_id, rule, tags",
            _put_metric_alarm(context),
        ),
        Patch(
            f"{_BACKEND}.set_alarm_state",
            "self, alarm_name, reason, reason_data, state_value",
            _set_alarm_state(context),
        ),
    ]


def _put_metric_alarm(context: PatchContext) -> Callable[[Any], Any]:
    """An alarm begins without data, and keeps its state when it is changed."""

    def make(original: Any) -> Any:
        def put_metric_alarm(self: Any, name: str, *arguments: Any, **more: Any) -> Any:
            before = self.alarms.get(name)
            alarm = original(self, name, *arguments, **more)
            alarm.state_value = "INSUFFICIENT_DATA"
            alarm.state_updated_timestamp = _utc(context)
            if before is not None:
                for attribute in _KEPT:
                    setattr(alarm, attribute, getattr(before, attribute))
            return alarm

        return put_metric_alarm

    return make


def _set_alarm_state(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def set_alarm_state(
            self: Any, alarm_name: str, reason: str, reason_data: str | None, state_value: str
        ) -> None:
            alarm = self.alarms.get(alarm_name)
            previous = None if alarm is None else _state(alarm)
            original(self, alarm_name, reason, reason_data, state_value)
            alarm.state_updated_timestamp = _utc(context)
            state = _state(alarm)
            actions = tuple(getattr(alarm, _ACTIONS[state_value]) or ())
            is_change = previous is not None and previous.value != state.value
            if previous is None or not (is_change and actions and alarm.actions_enabled):
                return
            context.buffer.tell(
                AlarmStateFact(
                    alarm_arn=alarm.alarm_arn,
                    name=alarm.name,
                    description=alarm.description,
                    state=state,
                    previous=previous,
                    actions=actions,
                    metrics=_metrics(alarm),
                    rule=alarm.rule,
                )
            )

        return set_alarm_state

    return make


def _utc(context: PatchContext) -> datetime:
    """The time as moto has it: of UTC, without saying so."""
    return datetime.fromtimestamp(context.clock.now(), UTC).replace(tzinfo=None)


def _state(alarm: Any) -> AlarmState:
    return AlarmState(
        value=alarm.state_value,
        reason=alarm.state_reason,
        reason_data=None if alarm.state_reason_data in (None, "{}") else alarm.state_reason_data,
        at_s=alarm.state_updated_timestamp.replace(tzinfo=UTC).timestamp(),
    )


def _metrics(alarm: Any) -> tuple[AlarmMetric, ...]:
    if alarm.metric_data_queries:
        return tuple(_query(query) for query in alarm.metric_data_queries)
    if not alarm.metric_name:
        return ()
    metric = AlarmMetric(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, alarm.alarm_arn)),
        namespace=alarm.namespace,
        name=alarm.metric_name,
        dimensions={each.name: each.value for each in alarm.dimensions},
        period_s=None if alarm.period is None else int(alarm.period),
        statistic=alarm.statistic or alarm.extended_statistic,
        unit=alarm.unit,
    )
    return (metric,)


def _query(query: Any) -> AlarmMetric:
    returns_data = str(query.return_data).lower() != "false"
    stat = query.metric_stat
    if stat is None:
        return AlarmMetric(
            id=query.id,
            returns_data=returns_data,
            label=query.label,
            expression=query.expression,
            period_s=None if query.period is None else int(query.period),
        )
    return AlarmMetric(
        id=query.id,
        returns_data=returns_data,
        label=query.label,
        namespace=stat.metric.namespace,
        name=stat.metric.metric_name,
        dimensions={each.name: each.value for each in stat.metric.dimensions},
        period_s=int(stat.period),
        statistic=stat.stat,
        unit=stat.unit,
    )
