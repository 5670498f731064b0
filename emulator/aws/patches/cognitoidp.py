"""Cognito user pools: sign-up, sign-in and tokens ask the functions of the pool's triggers."""

from typing import Final

from emulator.aws.cognito_triggers import CognitoTriggers
from emulator.aws.patches.cognito_challenges import Challenges
from emulator.aws.patches.cognito_request import Asking, remembered
from emulator.aws.patches.cognito_sign_in import SignIn
from emulator.aws.patches.cognito_sign_up import SignUp
from emulator.aws.patches.patching import Patch, PatchContext

_MODELS: Final = "moto.cognitoidp.models"
_REQUESTS: Final = (  # whose parameters the triggers see
    *("sign_up", "confirm_sign_up", "admin_create_user", "admin_confirm_sign_up"),
    *("initiate_auth", "admin_initiate_auth", "respond_to_auth_challenge"),
    *("admin_respond_to_auth_challenge", "forgot_password", "confirm_forgot_password"),
)


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.cognitoidp."""
    asking = Asking(CognitoTriggers(context.functions, context.permissions, context.locks))
    challenges = Challenges(asking.ask)
    sign_up, sign_in = SignUp(asking, context.reporter), SignIn(asking)
    backend = f"{_MODELS}:CognitoIdpBackend"
    return [
        *(
            Patch(f"moto.cognitoidp.responses:CognitoIdpResponse.{name}", "self", remembered)
            for name in _REQUESTS
        ),
        Patch(
            f"{backend}.sign_up",
            "self, client_id, username, password, attributes",
            sign_up.around_sign_up,
        ),
        Patch(
            f"{backend}.admin_create_user",
            "self, user_pool_id, username, message_action, temporary_password, attributes",
            sign_up.around_admin_create_user,
        ),
        Patch(f"{backend}.confirm_sign_up", "self, client_id, username", sign_up.after_confirm),
        Patch(
            f"{backend}.admin_confirm_sign_up",
            "self, user_pool_id, username",
            sign_up.after_admin_confirm,
        ),
        Patch(f"{backend}.forgot_password", "self, client_id, username", sign_up.around_forgot),
        Patch(
            f"{backend}.confirm_forgot_password",
            "self, client_id, username, password, confirmation_code",
            sign_up.after_new_password,
        ),
        Patch(
            f"{backend}.initiate_auth",
            "self, client_id, auth_flow, auth_parameters",
            sign_in.around_sign_in(challenges, is_admins=False),
        ),
        Patch(
            f"{backend}.admin_initiate_auth",
            "self, user_pool_id, client_id, auth_flow, auth_parameters",
            sign_in.around_sign_in(challenges, is_admins=True),
        ),
        Patch(
            f"{backend}.respond_to_auth_challenge",
            "self, session, client_id, challenge_name, challenge_responses",
            sign_in.around_challenge(challenges),
        ),
        Patch(
            f"{_MODELS}:CognitoIdpUserPool.create_jwt",
            "self, client_id, username, token_use, expires_in, extra_data",
            sign_in.around_token,
        ),
    ]
