"""Secrets Manager: rotation, which moto makes in the caller's request and whatever happens."""

import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from emulator.aws.patches.patching import MODULE, Patch, PatchContext
from emulator.aws.rotations import (
    CURRENT,
    begin,
    pending_token,
    rules_of,
    set_rules,
    timetable_of,
)
from emulator.aws.secret_facts import RotationFact, RotationScheduleFact
from emulator.model.rotation_rules import (
    InvalidRotationRules,
    RotationRules,
    parse_rotation_rules,
)

_PRINCIPAL: Final = "secretsmanager.amazonaws.com"
_MODELS: Final = "moto.secretsmanager.models"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.secretsmanager."""
    backend = f"{_MODELS}:SecretsManagerBackend"
    return [
        Patch(f"{_MODELS}:time", MODULE, lambda original: SimpleNamespace(time=context.clock.now)),
        Patch(
            f"{backend}.rotate_secret",
            "self, secret_id, client_request_token, rotation_lambda_arn, rotation_rules, "
            "rotate_immediately",
            _rotate_secret(context),
        ),
        Patch(f"{backend}.cancel_rotate_secret", "self, secret_id", _cancel_rotate_secret(context)),
        Patch(
            f"{backend}.delete_secret",
            "self, secret_id, recovery_window_in_days, force_delete_without_recovery",
            _delete_secret(context),
        ),
        Patch(f"{backend}.restore_secret", "self, secret_id", _restore_secret(context)),
        Patch(
            f"{backend}.update_secret_version_stage",
            "self, secret_id, version_stage, remove_from_version_id, move_to_version_id",
            _update_secret_version_stage,
        ),
        Patch(f"{_MODELS}:FakeSecret.to_dict", "self", _describe),
    ]


def _rotate_secret(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def rotate_secret(
            self: Any,
            secret_id: str,
            client_request_token: str | None = None,
            rotation_lambda_arn: str | None = None,
            rotation_rules: Mapping[str, Any] | None = None,
            rotate_immediately: bool = True,
        ) -> Any:
            secret = _secret(self, secret_id)
            if client_request_token:
                self._client_request_token_validator(client_request_token)
            rules = rules_of(secret) if rotation_rules is None else _rules(rotation_rules)
            function_arn = rotation_lambda_arn or secret.rotation_lambda_arn
            _check_function(context, secret, function_arn)
            _check_pending(context, secret)
            now_s = context.clock.now()
            secret.rotation_lambda_arn = function_arn
            secret.rotation_requested = secret.rotation_enabled = True
            timetable = set_rules(secret, rules, now_s)
            is_test = not rotate_immediately
            rotation = begin(secret, client_request_token, now_s, is_test=is_test)
            context.buffer.tell(
                RotationScheduleFact(secret_arn=secret.arn, since_s=now_s, timetable=timetable)
            )
            context.buffer.tell(RotationFact(rotation=rotation))
            shown = None if is_test else rotation.token
            return secret.to_short_dict(version_id=shown)

        return rotate_secret

    return make


def _secret(backend: Any, secret_id: str) -> Any:
    from moto.secretsmanager import exceptions
    from moto.secretsmanager.models import ReplicaSecret

    if not backend._is_valid_identifier(secret_id):
        raise exceptions.SecretNotFoundException()
    secret = backend.secrets[secret_id]
    if isinstance(secret, ReplicaSecret):
        raise exceptions.OperationNotPermittedOnReplica()
    if secret.is_deleted():
        raise exceptions.InvalidRequestException(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return secret


def _rules(document: Mapping[str, Any]) -> RotationRules:
    from moto.secretsmanager.exceptions import InvalidParameterException

    try:
        return parse_rotation_rules(document)
    except InvalidRotationRules as error:
        raise InvalidParameterException(str(error)) from None


def _check_function(context: PatchContext, secret: Any, function_arn: str) -> None:
    from moto.secretsmanager import exceptions

    if not function_arn:
        raise exceptions.InvalidRequestException(
            "No Lambda rotation function ARN is associated with this secret."
        )
    if not re.match(r"arn:[\w-]+:lambda:", function_arn) or not context.functions.exists(
        function_arn
    ):
        raise exceptions.ResourceNotFoundException(f"Resource not found for ARN '{function_arn}'.")
    if not context.permissions.allows(function_arn, _PRINCIPAL, secret.arn, secret.account_id):
        raise exceptions.SecretsManagerClientError(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function"
            f" policy grants access to the principal {_PRINCIPAL}.",
        )


def _check_pending(context: PatchContext, secret: Any) -> None:
    """A rotation that did not come to its end is tried again, and that is all."""
    from moto.secretsmanager.exceptions import InvalidRequestException

    if pending_token(secret) is None:
        return
    rotation = begin(secret, None, context.clock.now())
    context.buffer.tell(RotationFact(rotation=rotation))
    raise InvalidRequestException(
        "A previous rotation isn't complete. That rotation will be reattempted."
    )


def _cancel_rotate_secret(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def cancel_rotate_secret(self: Any, secret_id: str) -> Any:
            answer = original(self, secret_id)
            secret = self.secrets[secret_id]
            secret.next_rotation_date = None
            _tell_schedule(context, secret)
            return answer

        return cancel_rotate_secret

    return make


def _delete_secret(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_secret(self: Any, secret_id: str, *arguments: Any, **more: Any) -> Any:
            secret = self.secrets.get(secret_id)
            answer = original(self, secret_id, *arguments, **more)
            if secret is not None and getattr(secret, "rotation_requested", False):
                _tell_schedule(context, secret, is_gone=True)
            return answer

        return delete_secret

    return make


def _restore_secret(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def restore_secret(self: Any, secret_id: str) -> Any:
            answer = original(self, secret_id)
            secret = self.secrets[secret_id]
            if getattr(secret, "rotation_enabled", False):
                _tell_schedule(context, secret)
            return answer

        return restore_secret

    return make


def _tell_schedule(context: PatchContext, secret: Any, *, is_gone: bool = False) -> None:
    is_due = secret.rotation_enabled and not is_gone
    context.buffer.tell(
        RotationScheduleFact(
            secret_arn=secret.arn,
            since_s=context.clock.now(),
            timetable=timetable_of(secret) if is_due else None,
        )
    )


def _update_secret_version_stage(original: Any) -> Any:
    """moto forgets that the version with AWSCURRENT is what GetSecretValue returns."""

    def update_secret_version_stage(self: Any, secret_id: str, *arguments: Any, **more: Any) -> Any:
        answer = original(self, secret_id, *arguments, **more)
        secret = self.secrets[secret_id]
        for version_id, version in secret.versions.items():
            version["version_stages"][:] = dict.fromkeys(version["version_stages"])
            if CURRENT in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return answer

    return update_secret_version_stage


def _describe(original: Any) -> Any:
    def to_dict(self: Any) -> dict[str, Any]:
        described: dict[str, Any] = original(self)
        if self.rotation_requested:
            described["RotationRules"] = rules_of(self).document()
        return {name: value for name, value in described.items() if value is not None}

    return to_dict
