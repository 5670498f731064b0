"""EventBridge Scheduler: what is due by rate, cron or date, in any time zone."""

import json
import secrets
import threading
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import override

from emulator.aws import (
    Fact,
    RetryPolicy,
    Schedule,
    ScheduleDeletedFact,
    ScheduleSavedFact,
    ScheduleTarget,
    event_document,
)
from emulator.aws.universal_targets import UniversalTarget, universal_target
from emulator.event_sources.deliveries import Deliveries, Failure
from emulator.event_sources.due_times import DueTimes, Plan
from emulator.event_sources.input_transformer import compact
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.targets import INVALID_JSON, Parcel, TargetError, Targets
from emulator.model.schedule_expression import (
    Rate,
    Timetable,
    schedule_timetable,
    time_zone,
)
from emulator.model.triggers import Trigger
from emulator.model.triggers.schedule import ScheduleTrigger

_TRIGGER_IDS: Final = uuid.UUID("2d6c1b0e-0b52-4f7e-9d3e-8a5f0f3d7c11")  # the same at each start
_JUST_BEFORE_S: Final = 1e-3


class ScheduledCalls(EventSource):
    """Follows every enabled schedule and calls its target when it is due.

    Any thread may call. `_lock` guards which schedules are followed. Nothing is kept over a
    restart: schedules live in the service, those of a project in its file.
    """

    trigger = ScheduleTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.targets = Targets(around)
        self._lanes = Lanes("scheduler", around.activity, around.reporter)
        self._deliveries = Deliveries(around, "scheduler", self._lanes)
        self._due_times = DueTimes(around, "scheduler", self._lanes)
        self._lock = threading.Lock()
        self._followed: dict[str, Schedule] = {}
        around.moto.subscribe(self._on_fact, ScheduleSavedFact, ScheduleDeletedFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Make a schedule for the trigger; a rate begins one period from now."""
        assert isinstance(trigger, ScheduleTrigger)
        schedule = project_schedule(trigger, function_arn, self.around.clock.now())
        self._follow(schedule)
        self.around.moto.schedules.show(schedule)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take the schedule away."""
        assert isinstance(trigger, ScheduleTrigger)
        schedule = project_schedule(trigger, function_arn, self.around.clock.now())
        self._forget(schedule.arn)
        self.around.moto.schedules.delete(schedule)

    @override
    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._followed.clear()
        self._due_times.reset()
        self._deliveries.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """Call nothing any more."""
        self._due_times.reset()
        self._deliveries.reset()
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, ScheduleDeletedFact):
            self._forget(fact.arn)
        elif isinstance(fact, ScheduleSavedFact):
            if fact.schedule.is_enabled:
                self._follow(fact.schedule)
            else:
                self._forget(fact.schedule.arn)

    def _follow(self, schedule: Schedule) -> None:
        with self._lock:
            before = self._followed.get(schedule.arn)
            if before is not None and replace(before, saved_s=schedule.saved_s) == schedule:
                return  # one that stays as it is goes on counting
            self._followed[schedule.arn] = schedule
        plan = Plan(
            timetable=timetable_of(schedule),
            fire=lambda due_s: self._fire(schedule, due_s),
            delay=lambda due_s: delay_of(schedule, due_s),
            end=lambda: self._end(schedule),
        )
        self._due_times.set(schedule.arn, plan, schedule.saved_s - _JUST_BEFORE_S)

    def _forget(self, arn: str) -> None:
        with self._lock:
            self._followed.pop(arn, None)
        self._due_times.cancel(arn)

    def _fire(self, schedule: Schedule, due_s: float) -> None:
        """One after the other, so that missed times come in their order."""
        self._deliveries.run(_ScheduledCall(source=self, schedule=schedule, due_s=due_s))

    def _end(self, schedule: Schedule) -> None:
        if schedule.deletes_itself:
            self.around.moto.schedules.delete(schedule)


@dataclass(frozen=True, slots=True)
class _ScheduledCall:
    """One call of a schedule's target."""

    source: ScheduledCalls
    schedule: Schedule
    due_s: float
    execution_id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def retry(self) -> RetryPolicy:
        return self.schedule.target.retry

    @property
    def label(self) -> Mapping[str, str]:
        return {"schedule": self.schedule.arn, "target": self.schedule.target.arn}

    def attempt(self, number: int) -> None:
        target, body = self.schedule.target, self._input(number)
        universal = universal_target(target.arn)
        if universal is not None:
            self._call(universal, body)
        elif target.arn.split(":")[2] == "events":
            self._put_event(target, body)
        else:
            self.source.targets.send(
                Parcel(
                    arn=target.arn,
                    body=body,
                    source="scheduler",
                    cause=self.execution_id,
                    message_group_id=target.message_group_id,
                    partition_key=target.partition_key,
                )
            )

    def dead_letter(self, failure: Failure) -> tuple[str, Mapping[str, str]]:
        """Source: EventBridge Scheduler User Guide, dead-letter queues."""
        attributes = {
            "ERROR_CODE": failure.error.service_code,
            "ERROR_MESSAGE": failure.error.message,
            "EXECUTION_ID": self.execution_id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(failure.retries),
            "SCHEDULED_TIME": _iso(self.due_s),
            "SCHEDULE_ARN": self.schedule.arn,
            "TARGET_ARN": self.schedule.target.arn,
        }
        if failure.exhausted is not None:
            attributes["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
        return self._input(failure.retries + 1), attributes

    def _input(self, number: int) -> str:
        """Source: EventBridge Scheduler User Guide, context attributes."""
        text = self.schedule.target.input
        if text is None:
            return compact(default_event(self.schedule.arn, self.due_s, str(uuid.uuid4())))
        for name, value in (
            ("schedule-arn", self.schedule.arn),
            ("scheduled-time", _iso(self.due_s)),
            ("execution-id", self.execution_id),
            ("attempt-number", str(number)),
        ):
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text

    def _call(self, universal: UniversalTarget, body: str) -> None:
        parameters = parsed(body)
        if universal.service == "lambda":
            self._invoke(parameters)
            return
        self.source.targets.call(
            universal.service, universal.operation, self.schedule.arn, parameters
        )

    def _invoke(self, parameters: Mapping[str, Any]) -> None:
        payload = parameters.get("Payload", "{}")
        self.source.targets.send(
            Parcel(
                arn=_function_arn(self.schedule, str(parameters.get("FunctionName", ""))),
                body=payload if isinstance(payload, str) else compact(payload),
                source="scheduler",
                cause=self.execution_id,
            )
        )

    def _put_event(self, target: ScheduleTarget, body: str) -> None:
        entry = {
            "Source": target.event_source,
            "DetailType": target.event_detail_type,
            "Detail": body if target.input is not None else "{}",
            "EventBusName": target.arn,
        }
        answer = self.source.targets.call("events", "PutEvents", target.arn, {"Entries": [entry]})
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise TargetError(failed["ErrorCode"], failed["ErrorMessage"])


class _Bounded:
    """A timetable between two dates."""

    def __init__(self, timetable: Timetable, schedule: Schedule) -> None:
        self._timetable = timetable
        self._start_s = schedule.start_s
        self._end_s = schedule.end_s

    def next_after(self, after_s: float) -> float | None:
        """The first due time after `after_s` that lies between the dates."""
        if self._start_s is not None:
            after_s = max(after_s, self._start_s - _JUST_BEFORE_S)
        due_s = self._timetable.next_after(after_s)
        is_over = due_s is None or (self._end_s is not None and due_s > self._end_s)
        return None if is_over else due_s


def timetable_of(schedule: Schedule) -> Timetable:
    """When a schedule is due; a rate without a start date is due at once."""
    start_s = schedule.saved_s if schedule.start_s is None else schedule.start_s
    zone = time_zone(schedule.time_zone)
    timetable = schedule_timetable(schedule.expression, zone, start_s)
    if schedule.expression.startswith("at("):
        return timetable  # the dates say nothing to a schedule that is due once
    return _Bounded(timetable, schedule)


def delay_of(schedule: Schedule, due_s: float) -> float:
    """Seconds into the flexible window: by chance, but for one due time always the same."""
    chance = zlib.crc32(f"{schedule.arn} {due_s:.0f}".encode()) / 2**32
    return float(int(chance * schedule.window_s))


def default_event(schedule_arn: str, due_s: float, event_id: str) -> dict[str, Any]:
    """What a target without an input gets. Source: spec/events.md section 6."""
    _, _, _, region, account, _ = schedule_arn.split(":", 5)
    return event_document(
        event_id=event_id,
        account=account,
        region=region,
        source="aws.scheduler",
        detail_type="Scheduled Event",
        resources=[schedule_arn],
        detail="{}",
        at_s=due_s,
    )


def project_schedule(trigger: ScheduleTrigger, function_arn: str, now_s: float) -> Schedule:
    """The schedule of a project's trigger; the same trigger has the same name at each start."""
    _, _, _, region, account, resource = function_arn.split(":", 5)
    identity = uuid.uuid5(_TRIGGER_IDS, f"{function_arn} {trigger.summary}")
    name = f"{resource.removeprefix('function:')[:55]}-{identity.hex[:8]}"
    timetable = schedule_timetable(trigger.expression, time_zone(trigger.time_zone), now_s)
    return Schedule(
        arn=f"arn:aws:scheduler:{region}:{account}:schedule/default/{name}",
        expression=trigger.expression,
        time_zone=trigger.time_zone,
        target=ScheduleTarget(arn=function_arn),
        saved_s=now_s,
        # At once would be before the emulator answers the function's own calls.
        start_s=now_s + timetable.period_s if isinstance(timetable, Rate) else None,
    )


def parsed(body: str) -> Mapping[str, Any]:
    """Parameters of an operation. Raises TargetError."""
    try:
        parameters = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TargetError(INVALID_JSON, f"the input is not JSON: {error}") from None
    if not isinstance(parameters, dict):
        raise TargetError(INVALID_JSON, "the input is no JSON object")
    return parameters


def _function_arn(schedule: Schedule, name: str) -> str:
    if name.startswith("arn:"):
        return name
    _, _, _, region, account, _ = schedule.arn.split(":", 5)
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def _iso(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
