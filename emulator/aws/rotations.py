"""Rotation of secrets, from inside moto: versions, labels and dates."""

import uuid
from typing import Any, Final

from emulator.aws.locks import ServiceLocks
from emulator.aws.secret_facts import Rotation
from emulator.model import Clock
from emulator.model.rotation_rules import RotationRules
from emulator.model.schedule_expression import Timetable

PENDING: Final = "AWSPENDING"
CURRENT: Final = "AWSCURRENT"

_RULES: Final = "emulator_rotation_rules"  # our attributes of moto's secret
_TIMETABLE: Final = "emulator_rotation_timetable"


class Rotations:
    """What a rotation does to its secret. Any thread may call."""

    def __init__(self, locks: ServiceLocks, clock: Clock) -> None:
        self._locks = locks
        self._clock = clock

    def begin(self, secret_arn: str) -> Rotation | None:
        """Begin a scheduled rotation, or go on with one that failed; None: there is none."""
        with self._locks.hold("secretsmanager"):
            secret = _find(secret_arn)
            if secret is None or not secret.rotation_enabled:
                return None
            set_next_date(secret, self._clock.now())
            return begin(secret, None, self._clock.now())

    def finish(self, rotation: Rotation) -> bool:
        """Note a rotation whose steps all succeeded; False: the new version is not current."""
        with self._locks.hold("secretsmanager"):
            secret = _find(rotation.secret_arn)
            version = secret.versions.get(rotation.token) if secret else None
            if secret is None or version is None or CURRENT not in version["version_stages"]:
                return False
            now_s = int(self._clock.now())
            secret.last_rotation_date = secret.last_changed_date = now_s
            return True

    def end_test(self, rotation: Rotation) -> None:
        """Take away the version that a test was made on."""
        with self._locks.hold("secretsmanager"):
            secret = _find(rotation.secret_arn)
            version = secret.versions.get(rotation.token) if secret else None
            if (
                secret is not None
                and version is not None
                and version["version_stages"] == [PENDING]
            ):
                del secret.versions[rotation.token]


def pending_token(secret: Any) -> str | None:
    """The version of a rotation that has not come to its end."""
    for token, version in secret.versions.items():
        if PENDING in version["version_stages"] and CURRENT not in version["version_stages"]:
            return str(token)
    return None


def begin(secret: Any, token: str | None, now_s: float, *, is_test: bool = False) -> Rotation:
    """Make the version that a rotation fills, or find that of one which did not end."""
    chosen = pending_token(secret) or token or str(uuid.uuid4())
    if chosen not in secret.versions:
        secret.remove_version_stages_from_old_versions([PENDING])
        version: dict[str, Any] = {
            "createdate": int(now_s),
            "version_id": chosen,
            "version_stages": [PENDING],
        }
        if is_test:
            current = secret.versions.get(secret.default_version_id, {})
            values = ("secret_string", "secret_binary")
            version |= {name: current[name] for name in values if name in current}
        secret.versions[chosen] = version
    return Rotation(
        secret_arn=secret.arn,
        function_arn=secret.rotation_lambda_arn,
        token=chosen,
        is_test=is_test,
    )


def rules_of(secret: Any) -> RotationRules:
    """The rotation rules of a secret of moto's."""
    rules: RotationRules = getattr(secret, _RULES, RotationRules())
    return rules


def set_rules(secret: Any, rules: RotationRules, now_s: float) -> Timetable | None:
    """Replace the rules, counted from now; returns when the secret is due."""
    setattr(secret, _RULES, rules)
    setattr(secret, _TIMETABLE, rules.timetable(now_s))
    set_next_date(secret, now_s)
    return timetable_of(secret)


def timetable_of(secret: Any) -> Timetable | None:
    """When a secret is due by its rules."""
    timetable: Timetable | None = getattr(secret, _TIMETABLE, None)
    return timetable


def set_next_date(secret: Any, now_s: float) -> None:
    """Work out the next due time."""
    timetable = timetable_of(secret)
    due_s = timetable.next_after(now_s) if timetable else None
    secret.next_rotation_date = None if due_s is None else int(due_s)


def _find(secret_arn: str) -> Any:
    """The secret, unless it was deleted."""
    from moto.secretsmanager.models import secretsmanager_backends

    _, _, _, region, account, _ = secret_arn.split(":", 5)
    secret = secretsmanager_backends[account][region].secrets.get(secret_arn)
    return None if secret is None or secret.is_deleted() else secret
