"""Access keys: which account they belong to, and those of execution roles."""

import hashlib
import re
import secrets
import string
import sys
import threading
from dataclasses import dataclass
from typing import Final

from emulator.model import DEFAULT_ACCOUNT

_ALPHABET: Final = string.ascii_uppercase + "234567"
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleCredentials:
    """Temporary credentials of one session of a role."""

    access_key: str
    secret_key: str
    token: str
    container_token: str  # for who gets the others over HTTP
    account: str
    role_id: str  # AROA…, the same for every session of the role
    role_name: str
    session_name: str

    @property
    def user_id(self) -> str:
        """What GetCallerIdentity calls UserId."""
        return f"{self.role_id}:{self.session_name}"

    @property
    def arn(self) -> str:
        """ARN of the session, as GetCallerIdentity answers it."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role_name}/{self.session_name}"


class Credentials:
    """Hands out role credentials and knows whose a key is.

    Any thread may call. `_lock` guards what was issued. Sessions are issued once and then
    repeated, so that they do not add up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_session: dict[tuple[str, str, str], RoleCredentials] = {}
        self._by_key: dict[str, RoleCredentials] = {}
        self._by_container_token: dict[str, RoleCredentials] = {}

    def issue(self, account: str, role_arn: str, session_name: str) -> RoleCredentials:
        """Credentials of `role_arn` for a caller in `account`; the role need not exist."""
        session = (account, role_arn, session_name)
        with self._lock:
            issued = self._by_session.get(session)
            if issued is None:
                issued = _make(*session)
                self._by_session[session] = issued
                self._by_key[issued.access_key] = issued
                self._by_container_token[issued.container_token] = issued
        return issued

    def find(self, access_key: str | None) -> RoleCredentials | None:
        """The session a key belongs to; None for a key that we did not issue."""
        return self._by_key.get(access_key or "")

    def of_container(self, container_token: str) -> RoleCredentials | None:
        """The session whose functions have that token; None for one that we did not hand out."""
        return self._by_container_token.get(container_token)

    def account_of(self, access_key: str | None) -> str:
        """A key of 12 digits is an account; keys made here or by moto's IAM have one."""
        if not access_key:
            return DEFAULT_ACCOUNT
        if len(access_key) == 12 and access_key.isdigit():
            return access_key
        issued = self._by_key.get(access_key)
        return issued.account if issued else _account_in_moto(access_key) or DEFAULT_ACCOUNT

    def principal_of(self, access_key: str | None) -> str:
        """The caller as S3 events name it in `userIdentity.principalId`."""
        if not access_key:
            return "Anonymous"
        issued = self.find(access_key)
        return f"AWS:{issued.user_id}" if issued else f"AWS:{_id('AIDA', access_key)}"


def _make(account: str, role_arn: str, session_name: str) -> RoleCredentials:
    role = _ROLE.fullmatch(role_arn)
    owner = role["account"] if role else account
    return RoleCredentials(
        access_key="ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16)),
        secret_key=secrets.token_urlsafe(30),
        token=secrets.token_urlsafe(180),
        container_token=secrets.token_urlsafe(96),
        account=owner,
        role_id=_id("AROA", role_arn),
        role_name=role["name"] if role else role_arn.rpartition("/")[2],
        session_name=session_name,
    )


def _id(prefix: str, text: str) -> str:
    """A unique id in IAM's form that is always the same for `text`."""
    digest = hashlib.sha256(text.encode()).digest()
    return prefix + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:17])


def _account_in_moto(access_key: str) -> str | None:
    """The account whose IAM or STS handed the key out; asks moto only if its IAM is loaded."""
    iam = sys.modules.get("moto.iam.models")
    backends = getattr(iam, "iam_backends", None)
    if not backends:
        return None
    for account, regions in list(backends.items()):
        if any(access_key in backend.access_keys for backend in list(regions.values())):
            return str(account)
    return None
