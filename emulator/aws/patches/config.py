"""AWS Config: rules that are functions are told, and what they find out is kept."""

import json
from collections.abc import Callable
from typing import Any, Final

from emulator.aws.config_facts import (
    ConfigEvaluationFact,
    ConfigRule,
    ConfigRuleEndedFact,
    ConfigRuleSavedFact,
)
from emulator.aws.config_results import read_token, results_of, store
from emulator.aws.patches.patching import Patch, PatchContext

_BACKEND: Final = "moto.config.models:ConfigBackend"
_HOUR_S: Final = 3_600
_PERIODS_S: Final = {
    "One_Hour": _HOUR_S,
    "Three_Hours": 3 * _HOUR_S,
    "Six_Hours": 6 * _HOUR_S,
    "Twelve_Hours": 12 * _HOUR_S,
    "TwentyFour_Hours": 24 * _HOUR_S,
}
_PAGE: Final = 10
_MAX_EVALUATIONS: Final = 100


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.config; adds the operations that it lacks."""
    _add_operations(context)
    return [
        Patch(f"{_BACKEND}.put_config_rule", "self, config_rule, tags", _put_rule(context)),
        Patch(f"{_BACKEND}.delete_config_rule", "self, rule_name", _delete_rule(context)),
        Patch(
            f"{_BACKEND}.put_evaluations",
            "self, evaluations, result_token, test_mode",
            _put_evaluations(context),
        ),
    ]


def _add_operations(context: PatchContext) -> None:
    from moto.config.responses import ConfigResponse

    response: Any = ConfigResponse
    response.start_config_rules_evaluation = _start_evaluation(context)
    response.get_compliance_details_by_config_rule = _get_compliance_details


def rule_of(backend: Any, rule: Any) -> ConfigRule | None:
    """A rule of moto's as a value; None: none that is evaluated periodically by a function."""
    periods = [
        _PERIODS_S[detail.maximum_execution_frequency]
        for detail in rule.source.source_details or ()
        if detail.message_type == "ScheduledNotification"
    ]
    if not periods:
        return None
    roles = [each.role_arn for each in backend.recorders.values()]
    default = f"arn:aws:iam::{backend.account_id}:role/aws-service-role/config.amazonaws.com"
    return ConfigRule(
        name=rule.config_rule_name,
        arn=rule.config_rule_arn,
        id=rule.config_rule_id,
        account=backend.account_id,
        region=backend.region_name,
        function_arn=rule.source.source_identifier,
        period_s=min(periods),
        parameters=rule.input_parameters or "{}",
        role_arn=(roles or [f"{default}/AWSServiceRoleForConfig"])[0],
    )


def _put_rule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_config_rule(self: Any, config_rule: dict[str, Any], tags: Any = None) -> Any:
            answer = original(self, config_rule, tags)
            saved = next(
                each
                for each in self.config_rules.values()
                if config_rule.get("ConfigRuleName") == each.config_rule_name
                or config_rule.get("ConfigRuleArn") == each.config_rule_arn
                or config_rule.get("ConfigRuleId") == each.config_rule_id
            )
            rule = rule_of(self, saved)
            if rule is not None:
                context.buffer.tell(ConfigRuleSavedFact(rule=rule, at_s=context.clock.now()))
                return answer
            context.buffer.tell(ConfigRuleEndedFact(rule_arn=saved.config_rule_arn))
            if saved.source.owner == "CUSTOM_LAMBDA":
                context.reporter.event(
                    "config.never_evaluated",
                    rule=saved.config_rule_name,
                    hint="changes of resources are not recorded here; ScheduledNotification works",
                )
            return answer

        return put_config_rule

    return make


def _delete_rule(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_config_rule(self: Any, rule_name: str) -> None:
            rule = self.config_rules.get(rule_name)
            original(self, rule_name)
            context.buffer.tell(ConfigRuleEndedFact(rule_arn=rule.config_rule_arn))

        return delete_config_rule

    return make


def _put_evaluations(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_evaluations(
            self: Any,
            evaluations: list[dict[str, Any]] | None = None,
            result_token: str | None = None,
            test_mode: bool | None = False,
        ) -> Any:
            from moto.config.exceptions import InvalidResultTokenException, ValidationException

            if not evaluations or not result_token or test_mode:
                return original(self, evaluations, result_token, test_mode)
            if len(evaluations) > _MAX_EVALUATIONS:
                raise ValidationException(
                    f"1 validation error detected: Value at 'evaluations' failed to satisfy "
                    f"constraint: Member must have length less than or equal to {_MAX_EVALUATIONS}"
                )
            found = read_token(result_token)
            rules = [
                each
                for each in self.config_rules.values()
                if found is not None and each.config_rule_arn == found[0]
            ]
            if found is None or not rules:
                raise InvalidResultTokenException()
            store(rules[0], evaluations, found[1], context.clock.now())
            return {"FailedEvaluations": []}

        return put_evaluations

    return make


def _start_evaluation(context: PatchContext) -> Callable[[Any], str]:
    def start_config_rules_evaluation(self: Any) -> str:
        from moto.config.exceptions import InvalidParameterValueException

        rules = []
        for name in self._get_param("ConfigRuleNames") or ():
            rule = rule_of(self.config_backend, _rule_named(self, name))
            if rule is None:
                raise InvalidParameterValueException(
                    f"The rule {name} has no ScheduledNotification; the emulator evaluates no other"
                )
            rules.append(rule)
        for rule in rules:
            context.buffer.tell(ConfigEvaluationFact(rule=rule, at_s=context.clock.now()))
        return "{}"

    return start_config_rules_evaluation


def _get_compliance_details(self: Any) -> str:
    rule = _rule_named(self, self._get_param("ConfigRuleName"))
    results = results_of(rule, self._get_param("ComplianceTypes") or ())
    start, size = int(self._get_param("NextToken") or 0), self._get_param("Limit") or _PAGE
    answer: dict[str, Any] = {"EvaluationResults": results[start : start + size]}
    if start + size < len(results):
        answer["NextToken"] = str(start + size)
    return json.dumps(answer)


def _rule_named(response: Any, name: str) -> Any:
    from moto.config.exceptions import NoSuchConfigRuleException

    rule = response.config_backend.config_rules.get(name)
    if rule is None:
        raise NoSuchConfigRuleException(name)
    return rule
