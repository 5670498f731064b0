"""EFS: access points have ids of the length that Lambda asks for.

moto gives them 8 digits; FileSystemConfigs are refused unless an access point's has 17.
"""

import secrets
from typing import Any, Final

from emulator.aws.patches.patching import Patch, PatchContext

_DIGITS: Final = 17


def patches(_context: PatchContext) -> list[Patch]:
    """Patches of moto.efs."""
    parameters = (
        "self, account_id, region_name, client_token, file_system_id, name, posix_user,"
        " root_directory, context"
    )
    return [Patch("moto.efs.models:AccessPoint.__init__", parameters, _with_long_id)]


def _with_long_id(original: Any) -> Any:
    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        head = self.access_point_arn.removesuffix(self.access_point_id)
        self.access_point_id = f"fsap-{secrets.token_hex(_DIGITS)[:_DIGITS]}"
        self.access_point_arn = head + self.access_point_id

    return __init__
