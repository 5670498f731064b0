"""Samples of AWS Config's rules."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import ConfigRule
from emulator.event_sources.config_rules import event
from emulator.event_sources.samples import constants


def scheduled(
    *,
    rule: str = "buckets-are-tagged",
    parameters: str = '{"tag":"owner"}',
    function: str = "hello",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A periodic evaluation of a rule."""
    role = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    sample = ConfigRule(
        name=rule,
        arn=f"arn:aws:config:{region}:{account}:config-rule/config-rule-0123ab",
        id="config-rule-0123ab",
        account=account,
        region=region,
        function_arn=f"arn:aws:lambda:{region}:{account}:function:{function}",
        period_s=86_400,
        parameters=parameters,
        role_arn=f"arn:aws:iam::{account}:role/{role}",
    )
    return event(sample, "myResultToken", constants.AT_S)


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"scheduled": scheduled}
