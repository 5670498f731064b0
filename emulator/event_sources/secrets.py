"""Secrets Manager: rotation of secrets, four steps of one function."""

import json
import threading
import uuid
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, Rotation, RotationFact, RotationScheduleFact
from emulator.event_sources.due_times import DueTimes, Plan
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import Call, LambdaError

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_TEST_STEPS: Final = ("testSecret",)
_NAME: Final = "secretsmanager"


class SecretRotations(EventSource):
    """Runs the steps of a rotation one after the other, at once or when a secret is due.

    Any thread may call. A rotation has a thread of its own, as it waits for the function. `_lock`
    guards which secrets are being rotated: one that is, is not rotated a second time meanwhile.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lanes = Lanes(_NAME, around.activity, around.reporter)
        self._due_times = DueTimes(around, _NAME, self._lanes)
        self._lock = threading.Lock()
        self._running: set[str] = set()
        around.moto.subscribe(self._on_fact, RotationFact, RotationScheduleFact)

    @override
    def reset(self) -> None:
        """Rotate nothing that is due later."""
        self._due_times.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """Begin no further rotation; wait for those that run."""
        self._due_times.reset()
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, RotationFact):
            rotation = fact.rotation
            lane = str(uuid.uuid4())  # of its own: it must not wait for a rotation that runs
            self._lanes.put(lane, lambda: self._rotate(rotation))
        elif isinstance(fact, RotationScheduleFact):
            self._schedule(fact)

    def _schedule(self, fact: RotationScheduleFact) -> None:
        if fact.timetable is None:
            self._due_times.cancel(fact.secret_arn)
            return
        plan = Plan(timetable=fact.timetable, fire=lambda due_s: self._fire(fact.secret_arn))
        self._due_times.set(fact.secret_arn, plan, fact.since_s)

    def _fire(self, secret_arn: str) -> None:
        rotation = self.around.moto.rotations.begin(secret_arn)
        if rotation is not None:
            self._rotate(rotation)

    def _rotate(self, rotation: Rotation) -> None:
        with self._lock:
            if rotation.secret_arn in self._running:
                return
            self._running.add(rotation.secret_arn)
        try:
            self._run_steps(rotation)
        finally:
            with self._lock:
                self._running.discard(rotation.secret_arn)

    def _run_steps(self, rotation: Rotation) -> None:
        rotations = self.around.moto.rotations
        failure = None
        for step in _TEST_STEPS if rotation.is_test else STEPS:
            failure = self._run(rotation, step)
            if failure is not None:
                break
        if rotation.is_test:
            rotations.end_test(rotation)
        elif failure is None and not rotations.finish(rotation):
            failure = "finishSecret: it did not move AWSCURRENT to the new version"
        if failure is not None:
            self.around.reporter.event(
                f"{_NAME}.rotation_failed",
                secret=rotation.secret_arn,
                function=rotation.function_arn,
                reason=failure,
                hint="the next RotateSecret goes on with this rotation",
            )

    def _run(self, rotation: Rotation, step: str) -> str | None:
        """Run one step; what went wrong, if anything did."""
        call = Call.to(
            rotation.function_arn,
            json.dumps(event(rotation, step), separators=(",", ":")).encode(),
            source=_NAME,
            cause=rotation.token,
        )
        try:
            result, _ = self.around.invoker.run(call)
        except LambdaError as error:
            return f"{step}: {error}"
        if result.function_error is None:
            return None
        return f"{step}: {result.payload.decode(errors='replace')[:1000]}"


def event(rotation: Rotation, step: str) -> dict[str, Any]:
    """What a function gets for one step. Source: spec/events.md section 9."""
    document: dict[str, Any] = {
        "Step": step,
        "SecretId": rotation.secret_arn,
        "ClientRequestToken": rotation.token,
    }
    if rotation.function_arn.split(":")[4] != rotation.secret_arn.split(":")[4]:
        document["RotationToken"] = rotation.token  # another account's function proves itself
    return document
