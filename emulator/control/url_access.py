"""Who may call a function by its URL.

Source: Lambda Developer Guide, control access to function URLs; since October 2025 a policy has to
allow both actions.
"""

from typing import Final

from emulator.control.policy import ResourcePolicy
from emulator.control.policy_evaluation import allows_account, denies_account
from emulator.model.function_url import NO_AUTH, FunctionUrl

_ACTIONS: Final = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
_ANYBODY: Final = "anonymous"  # no account: only the principal `*` means it


def may_call(
    url: FunctionUrl, policy: ResourcePolicy | None, owner: str, caller: str | None
) -> bool:
    """Whether a policy lets `caller` in, an account that proved who it is; None: nobody did.

    owner: the function's account.
    """
    if url.auth_type == NO_AUTH:
        return url.is_declared or _is_allowed(url, policy, _ANYBODY)
    if caller is None:
        return False
    if caller != owner:
        return _is_allowed(url, policy, caller)
    # Differs from Lambda: identities of the function's own account need no policy of their own,
    # because nothing here evaluates identity policies yet.
    return policy is None or not any(
        denies_account(policy, caller, action, _context(url)) for action in _ACTIONS
    )


def _is_allowed(url: FunctionUrl, policy: ResourcePolicy | None, account: str) -> bool:
    return policy is not None and all(
        allows_account(policy, account, action, _context(url)) for action in _ACTIONS
    )


def _context(url: FunctionUrl) -> dict[str, str]:
    return {"lambda:FunctionUrlAuthType": url.auth_type, "lambda:InvokedViaFunctionUrl": "true"}
