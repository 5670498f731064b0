"""What the emulator itself does inside EventBridge Scheduler."""

from emulator.aws.own_requests import OwnRequests
from emulator.aws.scheduler_facts import Schedule
from emulator.aws.services import Services


class Schedules:
    """Our own way into the Scheduler, past HTTP but not past the locks.

    Any thread may call, except one that holds a lock of a service of moto.
    """

    def __init__(self, services: Services, own: OwnRequests) -> None:
        self._services = services
        self._own = own

    def delete(self, schedule: Schedule) -> None:
        """Delete a schedule, if it is still there."""
        self._services.when_loaded("scheduler", lambda: self._delete(schedule))

    def show(self, schedule: Schedule) -> None:
        """Have a project's schedule among the others when somebody looks."""
        self._services.when_loaded("scheduler", lambda: self._show(schedule))

    def _delete(self, schedule: Schedule) -> None:
        from moto.scheduler.models import scheduler_backends

        _, _, _, region, account, _ = schedule.arn.split(":", 5)
        with self._own.make("scheduler", account):
            backend = scheduler_backends[account][region]
            group = backend.schedule_groups.get(schedule.group)
            if group is not None and schedule.name in group.schedules:
                backend.delete_schedule(schedule.group, schedule.name)

    def _show(self, schedule: Schedule) -> None:
        from moto.scheduler.models import scheduler_backends

        _, _, _, region, account, _ = schedule.arn.split(":", 5)
        with self._own.make("scheduler", account):
            backend = scheduler_backends[account][region]
            if schedule.name in backend.schedule_groups[schedule.group].schedules:
                return
            backend.create_schedule(
                description="",
                end_date=None,  # type: ignore[arg-type]  # moto's hints forget that it may lack
                flexible_time_window={"Mode": "OFF"},
                group_name=schedule.group,
                kms_key_arn=None,  # type: ignore[arg-type]  # as above
                name=schedule.name,
                schedule_expression=schedule.expression,
                schedule_expression_timezone=schedule.time_zone,
                start_date=schedule.start_s,  # type: ignore[arg-type]  # a number on the wire
                state="ENABLED",
                target={"Arn": schedule.target.arn, "RoleArn": _role(account)},
                action_after_completion="NONE",
            )


def _role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/lambda-emulator"
