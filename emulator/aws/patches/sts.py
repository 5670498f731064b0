"""STS: it knows the sessions of execution roles, which moto did not hand out."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.sts."""
    return [
        Patch(
            "moto.sts.models:STSBackend.get_assumed_role_from_access_key",
            "self, access_key_id",
            _find(context),
        )
    ]


def _find(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def get_assumed_role_from_access_key(self: Any, access_key_id: str) -> Any:
            issued = context.credentials.find(access_key_id)
            if issued is None:
                return original(self, access_key_id)
            # All that GetCallerIdentity reads of a session.
            return SimpleNamespace(
                user_id=issued.user_id, arn=issued.arn, account_id=issued.account
            )

        return get_assumed_role_from_access_key

    return make
