"""VpcConfig: the subnets and security groups of a function. Source: spec/control-plane.md 2."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.model import AwsError

FindVpc = Callable[[str, str, Sequence[str], Sequence[str]], str]
"""account, region, subnets, security groups -> their VPC; raises `model.AwsError`."""

_CALLS: Final = {  # of EC2, by the code of its error
    "InvalidGroup.NotFound": "DescribeSecurityGroups",
    "InvalidSubnetID.NotFound": "DescribeSubnets",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class VpcAttachment:
    """What a function is attached to; without subnets it is attached no longer."""

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    vpc_id: str = ""
    allows_ipv6: bool = False  # Ipv6AllowedForDualStack


def read_vpc_config(
    config: Mapping[str, Any], account: str, region: str, find_vpc: FindVpc
) -> VpcAttachment:
    """What a VpcConfig asks for; raises LambdaError unless EC2 knows all of it."""
    subnets, groups = config.get("SubnetIds", ()), config.get("SecurityGroupIds", ())
    if bool(subnets) is not bool(groups):
        raise invalid("SubnetIds and SecurityIds must coexist or be both empty list.")  # sic
    if not subnets:
        return VpcAttachment()
    return VpcAttachment(
        subnet_ids=tuple(subnets),
        security_group_ids=tuple(groups),
        vpc_id=vpc_of(account, region, subnets, groups, find_vpc),
        allows_ipv6=config.get("Ipv6AllowedForDualStack", False),
    )


def vpc_of(
    account: str, region: str, subnets: Sequence[str], groups: Sequence[str], find_vpc: FindVpc
) -> str:
    """The VPC that subnets are in; raises InvalidParameterValueException with EC2's refusal."""
    try:
        return find_vpc(account, region, subnets, groups)
    except AwsError as error:
        raise invalid(
            f"Error occurred while {_CALLS.get(error.code, 'DescribeSubnets')}. EC2 Error Code:"
            f" {error.code}. EC2 Error Message: {error.message}"
        ) from error


def vpc_answer(vpc: VpcAttachment) -> dict[str, Any]:
    """VpcConfig as the API shows it."""
    return {
        "SubnetIds": list(vpc.subnet_ids),
        "SecurityGroupIds": list(vpc.security_group_ids),
        "VpcId": vpc.vpc_id,
        "Ipv6AllowedForDualStack": vpc.allows_ipv6,
    }
