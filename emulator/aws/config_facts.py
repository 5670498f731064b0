"""What AWS Config tells of rules that are functions."""

from dataclasses import dataclass

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigRule:
    """A rule that a function evaluates, again and again."""

    name: str
    arn: str
    id: str
    account: str
    region: str
    function_arn: str
    period_s: int
    parameters: str = "{}"  # JSON
    role_arn: str = ""  # of the configuration recorder


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigRuleSavedFact(Fact):
    """A rule was created or changed: it is evaluated now, and from now on by its period."""

    rule: ConfigRule
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigRuleEndedFact(Fact):
    """A rule was deleted, or is periodic no more."""

    rule_arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigEvaluationFact(Fact):
    """A rule is to be evaluated now."""

    rule: ConfigRule
    at_s: float
