"""Rules of EventBridge: checked as AWS does, and told when their schedule changes."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.event_facts import RetryPolicy, RuleSavedFact, RuleTarget
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model.schedule_expression import InvalidExpression, rule_timetable

_MAXIMUM_TARGETS: Final = 5  # of a rule
_RETRY_LIMITS: Final = {
    "MaximumRetryAttempts": (0, 185),
    "MaximumEventAgeInSeconds": (60, 86_400),
}


def patches(context: PatchContext) -> list[Patch]:
    """Patches of what moto does with rules."""
    backend = "moto.events.models:EventsBackend"
    return [
        Patch(
            f"{backend}.put_rule",
            "self, name, description, event_bus_arn, event_pattern, role_arn, "
            "scheduled_expression, state, managed_by, tags",
            _put_rule(context),
        ),
        Patch(f"{backend}.put_targets", "self, name, event_bus_arn, targets", _put_targets),
        Patch(f"{backend}.delete_rule", "self, name, event_bus_arn", _delete_rule(context)),
        Patch(f"{backend}.enable_rule", "self, name, event_bus_arn", _switch_rule(context)),
        Patch(f"{backend}.disable_rule", "self, name, event_bus_arn", _switch_rule(context)),
    ]


def find_bus(name: str, account: str, region: str) -> Any:
    """A bus of moto's by name, for this account and region, or by ARN; None: there is none."""
    from moto.events.models import events_backends

    if name.startswith("arn:") and name.count(":") >= 5:
        _, _, _, region, account, resource = name.split(":", 5)
        name = resource.removeprefix("event-bus/")
    if region not in events_backends[account]:
        return None
    return events_backends[account][region].event_buses.get(name)


def targets_of(rule: Any) -> list[RuleTarget]:
    """The targets of a rule of moto's."""
    return [_target(rule.arn, target) for target in rule.targets]


def _target(rule_arn: str, target: Mapping[str, Any]) -> RuleTarget:
    transformer = target.get("InputTransformer") or {}
    return RuleTarget(
        rule_arn=rule_arn,
        arn=target["Arn"],
        input=target.get("Input"),
        input_path=target.get("InputPath"),
        input_paths=dict(transformer.get("InputPathsMap") or {}),
        input_template=transformer.get("InputTemplate"),
        message_group_id=(target.get("SqsParameters") or {}).get("MessageGroupId"),
        partition_key_path=(target.get("KinesisParameters") or {}).get("PartitionKeyPath"),
        retry=retry_policy(target),
    )


def retry_policy(target: Mapping[str, Any]) -> RetryPolicy:
    """`RetryPolicy` and `DeadLetterConfig` of a target."""
    retries, default = target.get("RetryPolicy") or {}, RetryPolicy()
    return RetryPolicy(
        maximum_retries=retries.get("MaximumRetryAttempts", default.maximum_retries),
        maximum_age_s=retries.get("MaximumEventAgeInSeconds", default.maximum_age_s),
        dead_letter_arn=(target.get("DeadLetterConfig") or {}).get("Arn"),
    )


def _put_rule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_rule(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            from moto.events.exceptions import ValidationException

            if expression := kwargs.get("scheduled_expression"):
                try:
                    rule_timetable(expression, 0.0)
                except InvalidExpression:
                    text = "Parameter ScheduleExpression is not valid."
                    raise ValidationException(text) from None
            rule = original(self, name, *args, **kwargs)
            _tell(context, rule)
            return rule

        return put_rule

    return make


def _put_targets(original: Any) -> Any:
    """moto takes any number of targets, whatever their input says."""

    def put_targets(
        self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]
    ) -> None:
        from moto.core.exceptions import JsonRESTError
        from moto.events.exceptions import ValidationException

        for target in targets:
            problem = _input_problem(target) or _retry_problem(target)
            if problem is not None:
                raise ValidationException(problem)
        bus = find_bus(event_bus_arn or "default", self.account_id, self.region_name)
        rule = bus.rules.get(name) if bus is not None else None
        ids = {target["Id"] for target in [*targets, *(rule.targets if rule else ())]}
        if len(ids) > _MAXIMUM_TARGETS:
            text = "The requested resource exceeds the maximum number allowed."
            raise JsonRESTError("LimitExceededException", text)
        original(self, name, event_bus_arn, targets)

    return put_targets


def _input_problem(target: Mapping[str, Any]) -> str | None:
    kinds = [name for name in ("Input", "InputPath", "InputTransformer") if target.get(name)]
    if len(kinds) > 1:
        return (
            "Only one of Input, InputPath, or InputTransformer must be provided for target "
            f"{target['Id']}."
        )
    if "Input" in kinds:
        try:
            json.loads(target["Input"])
        except (ValueError, RecursionError):
            return f"JSON syntax error in input for target {target['Id']}"
    return None


def _retry_problem(target: Mapping[str, Any]) -> str | None:
    for name, (low, high) in _RETRY_LIMITS.items():
        value = (target.get("RetryPolicy") or {}).get(name)
        if value is not None and not low <= value <= high:
            return (
                f"Parameter {name} of target {target['Id']} is not valid. Reason: {value} is not"
                f" between {low} and {high}."
            )
    return None


def _delete_rule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_rule(self: Any, name: str, event_bus_arn: str | None) -> None:
            bus = find_bus(event_bus_arn or "default", self.account_id, self.region_name)
            rule = bus.rules.get(name) if bus is not None else None
            original(self, name, event_bus_arn)
            if rule is not None:
                at_s = context.clock.now()
                context.buffer.tell(RuleSavedFact(rule_arn=rule.arn, expression=None, at_s=at_s))

        return delete_rule

    return make


def _switch_rule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def switch_rule(self: Any, name: str, event_bus_arn: str | None) -> bool:
            exists: bool = original(self, name, event_bus_arn)
            if exists:
                _tell(context, self.describe_rule(name, event_bus_arn))
            return exists

        return switch_rule

    return make


def _tell(context: PatchContext, rule: Any) -> None:
    is_due = rule.scheduled_expression and rule.state != "DISABLED"
    context.buffer.tell(
        RuleSavedFact(
            rule_arn=rule.arn,
            expression=rule.scheduled_expression if is_due else None,
            at_s=context.clock.now(),
        )
    )
