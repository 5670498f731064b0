"""What rules of AWS Config have found out: tokens of evaluations, and their results."""

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

_RESULTS: Final = "_emulator_results"  # our attribute of moto's rule; `_` keeps it out of answers


def make_token(rule_arn: str, at_s: float) -> str:
    """What a function hands back with its evaluations."""
    document = json.dumps([rule_arn, at_s, str(uuid.uuid4())])
    return base64.urlsafe_b64encode(document.encode()).decode()


def read_token(token: str) -> tuple[str, float] | None:
    """The rule's ARN, and when its function was invoked; None: no token of ours."""
    try:
        rule_arn, at_s, _ = json.loads(base64.urlsafe_b64decode(token))
        return str(rule_arn), float(at_s)
    except (ValueError, TypeError):
        return None


def store(
    rule: Any, evaluations: Sequence[Mapping[str, Any]], invoked_s: float, now_s: float
) -> None:
    """Keep the newest result of each resource; NOT_APPLICABLE takes it away."""
    results = rule.__dict__.setdefault(_RESULTS, {})
    for each in evaluations:
        key = each["ComplianceResourceType"], each["ComplianceResourceId"]
        before = results.get(key)
        ordered_s = float(each["OrderingTimestamp"])
        if (
            before is not None
            and before["EvaluationResultIdentifier"]["OrderingTimestamp"] > ordered_s
        ):
            continue
        results.pop(key, None)
        if each["ComplianceType"] != "NOT_APPLICABLE":
            results[key] = _result(rule, each, ordered_s, invoked_s, now_s)


def results_of(rule: Any, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Results in the form of the API, those of some compliance types only, or all."""
    results = rule.__dict__.get(_RESULTS, {}).values()
    return [each for each in results if not wanted or each["ComplianceType"] in wanted]


def _result(
    rule: Any, evaluation: Mapping[str, Any], ordered_s: float, invoked_s: float, now_s: float
) -> dict[str, Any]:
    qualifier = {
        "ConfigRuleName": rule.config_rule_name,
        "ResourceType": evaluation["ComplianceResourceType"],
        "ResourceId": evaluation["ComplianceResourceId"],
    }
    annotation = evaluation.get("Annotation")
    return {
        "EvaluationResultIdentifier": {
            "EvaluationResultQualifier": qualifier,
            "OrderingTimestamp": ordered_s,
        },
        "ComplianceType": evaluation["ComplianceType"],
        "ResultRecordedTime": now_s,
        "ConfigRuleInvokedTime": invoked_s,
        **({"Annotation": annotation} if annotation else {}),
    }
