"""Triggers of Cognito user pools: the events functions get, and what they may answer.

Source: spec/events.md section 8.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TIMEOUT_S: Final = 5.0
TRIES: Final = 3
_TOKEN_VERSIONS: Final = {"V1_0": "1", "V2_0": "2", "V3_0": "3"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CognitoTrigger:
    """One call of a trigger.

    source: `PreSignUp_SignUp`; its part before `_` is how errors call the trigger. request: what
    the trigger adds to the user's attributes.
    """

    source: str
    pool_id: str
    region: str
    user_name: str
    client_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    version: str = "1"

    @property
    def name(self) -> str:
        """`PreSignUp`, as errors call it."""
        return self.source.partition("_")[0]


class CognitoTriggerError(Exception):
    """A trigger failed; Cognito's code and text for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def event(trigger: CognitoTrigger) -> dict[str, Any]:
    """The event of a trigger."""
    return {
        "version": trigger.version,
        "triggerSource": trigger.source,
        "region": trigger.region,
        "userPoolId": trigger.pool_id,
        "userName": trigger.user_name,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": trigger.client_id,
        },
        "request": {"userAttributes": dict(trigger.attributes), **trigger.request},
        "response": dict(trigger.response),
    }


def response_of(payload: bytes) -> dict[str, Any]:
    """The `response` of the event a function returned; raises CognitoTriggerError."""
    try:
        returned = json.loads(payload)
    except ValueError:
        returned = None
    response = returned.get("response") if isinstance(returned, dict) else None
    if not isinstance(response, dict):
        raise unrecognizable()
    return response


def unrecognizable() -> CognitoTriggerError:
    """A function answered, but not what its trigger may answer."""
    return CognitoTriggerError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def map_of(response: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A member that is a map, empty where it is null; raises CognitoTriggerError."""
    value = response.get(name)
    if value is not None and not isinstance(value, dict):
        raise unrecognizable()
    return value or {}


def failure(trigger: CognitoTrigger, payload: bytes) -> CognitoTriggerError:
    """What an app is told of a function that raised."""
    try:
        message = json.loads(payload)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = payload.decode(errors="replace")
    return CognitoTriggerError(
        "UserLambdaValidationException", f"{trigger.name} failed with error {message}."
    )


def not_invoked(trigger: CognitoTrigger, reason: str) -> CognitoTriggerError:
    """What an app is told of a function that could not be run, or did not answer in time."""
    return CognitoTriggerError(
        "UnexpectedLambdaException", f"{trigger.name} invocation failed due to error {reason}."
    )


def token_version(configuration: Mapping[str, Any]) -> str:
    """Version of the pre-token-generation event that a pool asks for."""
    wanted = configuration.get("PreTokenGenerationConfig", {}).get("LambdaVersion", "V1_0")
    return _TOKEN_VERSIONS[wanted]


def function_arn(configuration: Mapping[str, Any], key: str) -> str | None:
    """The function of a trigger; key: its member of LambdaConfig."""
    if key == "PreTokenGeneration" and "PreTokenGenerationConfig" in configuration:
        arn = configuration["PreTokenGenerationConfig"].get("LambdaArn")
    else:
        arn = configuration.get(key)
    return arn or None


def with_overrides(
    claims: Mapping[str, Any], response: Mapping[str, Any], version: str, token_use: str
) -> dict[str, Any]:
    """A token's claims as a pre-token-generation function wants them.

    token_use: "id" or "access"; version 1 changes id tokens only.
    """
    changed = dict(claims)
    if version == "1":
        details = map_of(response, "claimsOverrideDetails")
        if token_use == "id":
            _override(changed, details)
    else:
        details = map_of(response, "claimsAndScopeOverrideDetails")
        kind = "idTokenGeneration" if token_use == "id" else "accessTokenGeneration"
        part = map_of(details, kind)
        _override(changed, part)
        if token_use == "access":
            _override_scopes(changed, part)
    groups = map_of(details, "groupOverrideDetails")
    for member, claim in (
        ("groupsToOverride", "cognito:groups"),
        ("iamRolesToOverride", "cognito:roles"),
        ("preferredRole", "cognito:preferred_role"),
    ):
        if groups.get(member) is not None:
            changed[claim] = groups[member]
    return changed


def _override(claims: dict[str, Any], part: Mapping[str, Any]) -> None:
    claims.update(map_of(part, "claimsToAddOrOverride"))
    for name in part.get("claimsToSuppress") or ():
        claims.pop(name, None)


def _override_scopes(claims: dict[str, Any], part: Mapping[str, Any]) -> None:
    scopes = dict.fromkeys(str(claims.get("scope", "")).split())
    scopes.update(dict.fromkeys(part.get("scopesToAdd") or ()))
    for scope in part.get("scopesToSuppress") or ():
        scopes.pop(scope, None)
    claims["scope"] = " ".join(scopes)
