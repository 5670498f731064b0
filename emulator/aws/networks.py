"""Subnets and security groups of EC2, as far as functions are attached to them."""

from collections.abc import Sequence

from emulator.aws.locks import ServiceLocks
from emulator.aws.regional import regional
from emulator.aws.services import Services
from emulator.model import AwsError


class Networks:
    """Reads moto's EC2. Any thread may call."""

    def __init__(self, services: Services, locks: ServiceLocks) -> None:
        self._services = services
        self._locks = locks

    def find_vpc(
        self, account: str, region: str, subnet_ids: Sequence[str], group_ids: Sequence[str]
    ) -> str:
        """The VPC of the first subnet; raises AwsError for what EC2 does not know."""
        self._services.load("ec2")
        from moto.ec2.exceptions import InvalidSubnetIdError
        from moto.ec2.models import ec2_backends

        with self._locks.hold("ec2"):
            backend = regional(ec2_backends, account, region)
            try:
                vpcs = [backend.get_subnet(subnet_id).vpc_id for subnet_id in subnet_ids]
            except InvalidSubnetIdError as error:
                raise AwsError("InvalidSubnetID.NotFound", str(error.message)) from error
            for group_id in group_ids:
                if backend.get_security_group_from_id(group_id) is None:
                    text = f"The security group '{group_id}' does not exist"
                    raise AwsError("InvalidGroup.NotFound", text)
        return str(vpcs[0])
