"""Every code signing configuration of every account and region."""

import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

from typing_extensions import override

from emulator.control.resource_store import Resource, ResourceStore
from emulator.model import Clock, LambdaError
from emulator.storage import Documents

KIND: Final = "code signing config"  # of document
ENFORCE: Final = "Enforce"
WARN: Final = "Warn"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSigningConfig(Resource):
    """Who may have signed code, and what becomes of code that nobody of them signed."""

    id: str  # csc-…
    publishers: tuple[str, ...]  # ARNs of versions of signing profiles
    on_untrusted: str = WARN  # or ENFORCE
    description: str = ""

    @property
    @override
    def arn(self) -> str:
        """CodeSigningConfigArn."""
        return _arn(self.account, self.region, self.id)


class CodeSigningStore(ResourceStore[CodeSigningConfig]):
    """The configurations. Any thread may call."""

    def __init__(self, clock: Clock, documents: Documents | None = None) -> None:
        """Start with what the documents hold. Raises StorageError."""
        super().__init__(CodeSigningConfig, KIND, clock, documents or Documents())

    @override
    def arn_of(self, account: str, region: str, name: str) -> str:
        """CodeSigningConfigArn."""
        return _arn(account, region, name)

    @override
    def not_found(self, arn: str) -> LambdaError:
        """The answer for an ARN that no configuration has."""
        text = f"The Lambda code signing configuration {arn} can not be found."
        return LambdaError("ResourceNotFoundException", text)

    def create(
        self, account: str, region: str, publishers: tuple[str, ...], **more: Any
    ) -> CodeSigningConfig:
        """Add a configuration; `more` are fields that were given."""
        config = CodeSigningConfig(
            account=account,
            region=region,
            id=f"csc-{uuid.uuid4().hex[:17]}",
            publishers=publishers,
            modified_at=self._clock.now(),
            **more,
        )
        with self._lock:
            self._keep(config)
        return config

    def update(self, arn: str, **changes: Any) -> CodeSigningConfig:
        """Replace fields of a configuration."""
        with self._lock:
            changed = replace(self._existing(arn), **changes, modified_at=self._clock.now())
            self._keep(changed)
        return changed


def _arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:code-signing-config:{name}"
