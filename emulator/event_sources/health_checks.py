"""Health checks of load balancers: functions are asked at intervals on the clock."""

import threading
import traceback
from dataclasses import dataclass, field
from typing import Final

from emulator.aws import Fact
from emulator.aws.balancer_facts import TargetsChangedFact
from emulator.aws.load_balancers import TargetGroup
from emulator.event_sources.alarms import Alarm
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.load_balancer_events import build_event, parse_response
from emulator.event_sources.source import Surroundings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import LambdaError

_CHECKS: Final = "health checks"


@dataclass(eq=False)
class _Watched:
    """A target group that is checked; `_lock` of the checks guards the alarm."""

    alarm: Alarm | None = None
    passed: int = 0  # in a row
    failed: int = field(default=0)


class HealthChecks:
    """Checks target groups that ask for it, from their first target to their last.

    Any thread may call. `_lock` guards the table. A check runs on a thread of its own: a slow
    function delays no other.
    """

    def __init__(self, around: Surroundings, calls: FunctionCalls) -> None:
        self._around = around
        self._groups = around.moto.load_balancers
        self._calls = calls
        self._threads = RunnerThreads("health-check")
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        around.moto.subscribe(self._on_fact, TargetsChangedFact)

    def reset(self) -> None:
        """Check nothing any more."""
        with self._lock:
            watched, self._watched = self._watched, {}
        for one in watched.values():
            if one.alarm is not None:
                one.alarm.cancel()

    def stop(self, grace_s: float) -> None:
        """End the threads."""
        self._threads.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, TargetsChangedFact)
        group = self._groups.target_group(fact.arn)
        with self._lock:
            if fact.arn in self._watched or group is None or not _wants_checks(group):
                return
            self._watched[fact.arn] = _Watched()
        self._ring(fact.arn)

    def _ring(self, arn: str) -> None:
        """Begin a check, and set the time of the next one."""
        group = self._groups.target_group(arn)
        with self._lock:
            watched = self._watched.get(arn)
            if watched is None:
                return
            if group is None or not _wants_checks(group):
                del self._watched[arn]
                return
            due_s = self._around.clock.monotonic() + group.check_interval_s
            watched.alarm = self._around.alarms.set(due_s, lambda: self._ring(arn))
        self._around.activity.begin(_CHECKS)
        self._threads.start(lambda: self._check(group, watched))

    def _check(self, group: TargetGroup, watched: _Watched) -> None:
        try:
            problem = self._problem(group)
            watched.passed = 0 if problem else watched.passed + 1
            watched.failed = watched.failed + 1 if problem else 0
            if problem and watched.failed >= group.unhealthy_after:
                self._groups.report_health(group.arn, group.targets[0], problem)
            elif not problem and watched.passed >= group.healthy_after:
                self._groups.report_health(group.arn, group.targets[0], None)
        except Exception:  # noqa: BLE001  # top of a job: the thread takes the next one
            self._around.reporter.event("elb.failed", traceback=traceback.format_exc())
        finally:
            self._around.activity.end(_CHECKS)

    def _problem(self, group: TargetGroup) -> str | None:
        """Ask the function; what is wrong with its answer, None for nothing."""
        try:
            result = self._calls.run(
                group.targets[0],
                build_event(check_of(group), group.arn, is_multi_value=group.is_multi_value),
                source_arn=group.arn,
                account=group.account,
                timeout_s=group.check_timeout_s,
                trace=None,
            )
        except TookTooLong:
            return "Request timed out"
        except (LambdaError, NotAllowed) as error:
            return f"Health checks failed: {error}"
        answer = parse_response(result.payload, is_multi_value=group.is_multi_value)
        if result.function_error or answer is None:
            return "Health checks failed with these codes: [502]"
        if not is_expected(answer.status, group.expected_status):
            return f"Health checks failed with these codes: [{answer.status}]"
        return None


def check_of(group: TargetGroup) -> HttpRequest:
    """The request of a health check."""
    path, _, query = group.check_path.partition("?")
    headers = {"user-agent": "ELB-HealthChecker/2.0"}
    return HttpRequest(method="GET", path=path, query=query, headers=headers)


def is_expected(status: int, wanted: str) -> bool:
    """Whether a status is among `200`, `200,202` or `200-299`."""
    for part in wanted.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def _wants_checks(group: TargetGroup) -> bool:
    return group.is_checked and group.kind == "lambda" and bool(group.targets)
