"""EventBridge Scheduler: schedules are checked and told; moto only stores them."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.patches.event_rules import retry_policy
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.aws.scheduler_facts import (
    Schedule,
    ScheduleDeletedFact,
    ScheduleSavedFact,
    ScheduleTarget,
)
from emulator.aws.universal_targets import UniversalTarget, problem_of, universal_target
from emulator.model.schedule_expression import InvalidExpression, schedule_timetable, time_zone

SERVICES: Final = ("events", "firehose", "kinesis", "lambda", "sns", "sqs", "states")
_NEEDED: Final = {"events": "EventBridgeParameters", "kinesis": "KinesisParameters"}


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.scheduler."""
    response = "moto.scheduler.responses:EventBridgeSchedulerResponse"
    backend = "moto.scheduler.models:EventBridgeSchedulerBackend"
    return [
        Patch(f"{response}.create_schedule", "self", _save_schedule(context)),
        Patch(f"{response}.update_schedule", "self", _save_schedule(context)),
        Patch(f"{backend}.delete_schedule", "self, group_name, name", _delete(context)),
        Patch(f"{backend}.create_schedule_group", "self, name, tags", _create_group),
        Patch(f"{backend}.delete_schedule_group", "self, name", _delete_group(context)),
    ]


def schedule_of(schedule: Any, at_s: float) -> Schedule:
    """A schedule of moto's as a value; at_s: when it was saved."""
    window = schedule.flexible_time_window
    return Schedule(
        arn=schedule.arn,
        expression=schedule.schedule_expression,
        time_zone=schedule.schedule_expression_timezone,
        target=_target(schedule.target),
        saved_s=at_s,
        start_s=_seconds(schedule.start_date),
        end_s=_seconds(schedule.end_date),
        window_s=60 * window["MaximumWindowInMinutes"] if window["Mode"] == "FLEXIBLE" else 0,
        is_enabled=schedule.state == "ENABLED",
        deletes_itself=schedule.action_after_completion == "DELETE",
    )


def _target(target: Mapping[str, Any]) -> ScheduleTarget:
    event = target.get("EventBridgeParameters") or {}
    return ScheduleTarget(
        arn=target["Arn"],
        input=target.get("Input"),
        message_group_id=(target.get("SqsParameters") or {}).get("MessageGroupId"),
        partition_key=(target.get("KinesisParameters") or {}).get("PartitionKey", ""),
        event_source=event.get("Source", ""),
        event_detail_type=event.get("DetailType", ""),
        retry=retry_policy(target),
    )


def _seconds(date: Any) -> float | None:
    return None if date is None else float(date)


def _save_schedule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def save_schedule(self: Any) -> Any:
            from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException

            backend = self.scheduler_backend
            group = self._get_param("GroupName") or "default"
            if group not in backend.schedule_groups:
                raise ScheduleGroupNotFound(group)
            problem = _problem(json.loads(self.body))
            if problem is not None:
                raise ValidationException(problem)
            answer = original(self)
            name = self.uri.split("?")[0].split("/")[-1]
            schedule = backend.get_schedule(group, name)
            # moto forgets these when a schedule is updated.
            schedule.state = schedule.state or "ENABLED"
            schedule.action_after_completion = self._get_param("ActionAfterCompletion") or "NONE"
            saved = schedule_of(schedule, context.clock.now())
            context.buffer.tell(ScheduleSavedFact(schedule=saved))
            return answer

        return save_schedule

    return make


def _problem(request: Mapping[str, Any]) -> str | None:
    """Why AWS, or we, refuse a schedule."""
    expression = request["ScheduleExpression"]
    try:
        zone = time_zone(request.get("ScheduleExpressionTimezone") or "UTC")
    except InvalidExpression:
        return f"Invalid Schedule Expression Timezone {request['ScheduleExpressionTimezone']}."
    try:
        schedule_timetable(expression, zone, 0.0)
    except InvalidExpression:
        return f"Invalid Schedule Expression {expression}."
    start, end = request.get("StartDate"), request.get("EndDate")
    if start is not None and end is not None and start >= end:
        return "The StartDate must come before the EndDate."
    return _window_problem(request["FlexibleTimeWindow"]) or _target_problem(request["Target"])


def _window_problem(window: Mapping[str, Any]) -> str | None:
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "FLEXIBLE" and not (minutes and 1 <= minutes <= 1440):
        return "A FlexibleTimeWindow of mode FLEXIBLE needs MaximumWindowInMinutes from 1 to 1440."
    if window["Mode"] == "OFF" and minutes is not None:
        return "A FlexibleTimeWindow of mode OFF has no MaximumWindowInMinutes."
    return None


def _target_problem(target: Mapping[str, Any]) -> str | None:
    arn = target["Arn"]
    universal = universal_target(arn)
    if universal is not None:
        return _universal_problem(arn, universal, target.get("Input") or "{}")
    if not arn.startswith("arn:") or arn.count(":") < 5:
        return "Provided Arn is not in correct format."
    service = arn.split(":")[2]
    if service not in SERVICES:
        return f"Targets of service {service} are not supported by the emulator's schedules."
    needed = _NEEDED.get(service)
    if needed is not None and not target.get(needed):
        return f"{needed} must be specified for a target of service {service}."
    return None


def _universal_problem(arn: str, universal: UniversalTarget, text: str) -> str | None:
    if not _is_object(text):
        return "Invalid RequestJson provided. Reason: the input is no JSON object."
    problem = problem_of(universal)
    return None if problem is None else f"{arn} is not a supported target: {problem}."


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _delete(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
            arn = self.get_schedule(group_name, name).arn
            original(self, group_name, name)
            context.buffer.tell(ScheduleDeletedFact(arn=arn))

        return delete_schedule

    return make


def _create_group(original: Any) -> Any:
    """moto replaces a group of that name, and loses its schedules."""

    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        from moto.core.exceptions import JsonRESTError

        if name in self.schedule_groups:
            error = JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
            error.code = 409
            raise error
        return original(self, name, tags)

    return create_schedule_group


def _delete_group(context: PatchContext) -> Callable[[Any], Any]:
    """A group takes its schedules with it."""

    def make(original: Any) -> Any:
        def delete_schedule_group(self: Any, name: str | None) -> None:
            from moto.scheduler.exceptions import ValidationException

            if (name or "default") == "default":
                raise ValidationException("The default schedule group cannot be deleted.")
            schedules = list(self.get_schedule_group(name).schedules.values())
            original(self, name)
            for schedule in schedules:
                context.buffer.tell(ScheduleDeletedFact(arn=schedule.arn))

        return delete_schedule_group

    return make
