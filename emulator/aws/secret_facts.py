"""What Secrets Manager tells."""

from dataclasses import dataclass
from typing import ClassVar

from emulator.aws.facts import Fact
from emulator.model.schedule_expression import Timetable


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """One rotation: the version that the function makes is labelled AWSPENDING meanwhile."""

    secret_arn: str
    function_arn: str
    token: str  # the version's id
    is_test: bool = False  # only the step testSecret, on a version that goes afterwards


@dataclass(frozen=True, kw_only=True, slots=True)
class RotationFact(Fact):
    """A rotation is to begin, or to be tried again: then the request itself was refused."""

    survives_failure: ClassVar[bool] = True

    rotation: Rotation


@dataclass(frozen=True, kw_only=True, slots=True)
class RotationScheduleFact(Fact):
    """From now on a secret is rotated by this timetable; None: it is not."""

    secret_arn: str
    since_s: float
    timetable: Timetable | None
