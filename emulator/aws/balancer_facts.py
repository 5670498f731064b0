"""What happened to target groups."""

from dataclasses import dataclass

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetsChangedFact(Fact):
    """A target group got or lost targets, or is checked in another way."""

    arn: str
