"""What this room asks of other services, which it cannot reach by itself."""

from dataclasses import dataclass

from emulator.control.code_signing import IsRevoked
from emulator.control.mapping_operations import DescribeSource
from emulator.control.provisioned_operations import StateOf
from emulator.control.request import FetchObject, TargetExists
from emulator.control.vpc import FindVpc
from emulator.control.without_effect import Tell


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherServices:
    """Questions that the emulator's owner of those services answers."""

    fetch_object: FetchObject
    describe_source: DescribeSource
    target_exists: TargetExists
    find_vpc: FindVpc
    tell: Tell
    provisioned_state: StateOf
    is_revoked: IsRevoked
