"""Samples of the triggers of a Cognito user pool."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import CognitoTrigger, cognito_event
from emulator.event_sources.samples import constants


def _sample(
    source: str, request: Mapping[str, Any], response: Mapping[str, Any]
) -> Callable[..., dict[str, Any]]:
    def trigger(
        *,
        user: str = "ada",
        email: str = "ada@example.com",
        pool: str = "us-east-1_AbCdEfGhI",
        client: str = "4a1ujo5ai20s7ilpmpgrpn7cge",
        region: str = constants.REGION,
    ) -> dict[str, Any]:
        return cognito_event(
            CognitoTrigger(
                source=source,
                pool_id=pool,
                region=region,
                user_name=user,
                client_id=client,
                attributes={"email": email},
                request=request,
                response=response,
            )
        )

    trigger.__doc__ = f"The trigger {source}."
    return trigger


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "pre-sign-up": _sample(
        "PreSignUp_SignUp",
        {"validationData": None},
        {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    ),
    "post-confirmation": _sample("PostConfirmation_ConfirmSignUp", {}, {}),
    "pre-authentication": _sample("PreAuthentication_Authentication", {"validationData": None}, {}),
    "post-authentication": _sample(
        "PostAuthentication_Authentication", {"newDeviceUsed": False}, {}
    ),
    "custom-message": _sample(
        "CustomMessage_SignUp",
        {"codeParameter": "{####}", "linkParameter": "{##Click Here##}", "usernameParameter": None},
        {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    ),
    "pre-token-generation": _sample(
        "TokenGeneration_Authentication",
        {
            "groupConfiguration": {
                "groupsToOverride": [],
                "iamRolesToOverride": [],
                "preferredRole": None,
            }
        },
        {"claimsOverrideDetails": None},
    ),
}
