"""Every code signing configuration of every account and region."""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from emulator.model import Clock, LambdaError
from emulator.storage import Documents, StorageError, from_document, to_document

KIND: Final = "code signing config"  # of document
ENFORCE: Final = "Enforce"
WARN: Final = "Warn"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSigningConfig:
    """Who may have signed code, and what becomes of code that nobody of them signed."""

    account: str
    region: str
    id: str  # csc-…
    publishers: tuple[str, ...]  # ARNs of versions of signing profiles
    on_untrusted: str = WARN  # or ENFORCE
    description: str = ""
    modified_at: float  # seconds since the epoch
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """CodeSigningConfigArn."""
        return f"arn:aws:lambda:{self.region}:{self.account}:code-signing-config:{self.id}"


class CodeSigningStore:
    """The configurations, by ARN, kept in `Documents`.

    Any thread may call. `_lock` guards the table; it is held while a change is written.
    """

    def __init__(self, clock: Clock, documents: Documents | None = None) -> None:
        """Start with what the documents hold. Raises StorageError."""
        self._clock = clock
        self._documents = documents or Documents()
        self._lock = threading.Lock()
        self._configs = {
            arn: _restored(arn, kept) for arn, kept in self._documents.all(KIND).items()
        }

    def create(
        self,
        account: str,
        region: str,
        publishers: tuple[str, ...],
        **more: Any,
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

    def find(self, arn: str) -> CodeSigningConfig | None:
        """A configuration; None: there is none of that ARN."""
        with self._lock:
            return self._configs.get(arn)

    def get(self, arn: str) -> CodeSigningConfig:
        """A configuration; raises ResourceNotFoundException."""
        found = self.find(arn)
        if found is None:
            raise _unknown(arn)
        return found

    def configs(self, account: str, region: str) -> list[CodeSigningConfig]:
        """The configurations of an account and region by their ids."""
        with self._lock:
            found = [each for _, each in sorted(self._configs.items())]
        return [each for each in found if (each.account, each.region) == (account, region)]

    def update(self, arn: str, **changes: Any) -> CodeSigningConfig:
        """Replace fields of a configuration."""
        with self._lock:
            changed = replace(self._existing(arn), **changes, modified_at=self._clock.now())
            self._keep(changed)
        return changed

    def delete(self, arn: str) -> None:
        """Take a configuration away."""
        with self._lock:
            self._existing(arn)
            self._documents.delete(KIND, arn)
            del self._configs[arn]

    def reset(self) -> None:
        """Forget all; whoever empties everything clears the documents, too."""
        with self._lock:
            self._configs.clear()

    # Tags: see `tags.TagHolder`.

    def tags(self, account: str, region: str, name: str) -> Mapping[str, str]:
        """The tags of one configuration."""
        return self.get(_arn(account, region, name)).tags

    def change_tags(
        self,
        account: str,
        region: str,
        name: str,
        change: Callable[[Mapping[str, str]], Mapping[str, str]],
    ) -> None:
        """Replace the tags of a configuration."""
        with self._lock:
            config = self._existing(_arn(account, region, name))
            self._keep(replace(config, tags=dict(change(config.tags))))

    def tagged(self, account: str, region: str) -> list[tuple[str, Mapping[str, str]]]:
        """ARN and tags of the configurations of an account and region."""
        return [(config.arn, config.tags) for config in self.configs(account, region)]

    # Under the lock.

    def _existing(self, arn: str) -> CodeSigningConfig:
        if arn not in self._configs:
            raise _unknown(arn)
        return self._configs[arn]

    def _keep(self, config: CodeSigningConfig) -> None:
        self._documents.put(KIND, config.arn, to_document(config))
        self._configs[config.arn] = config


def _arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:code-signing-config:{name}"


def _unknown(arn: str) -> LambdaError:
    text = f"The Lambda code signing configuration {arn} can not be found."
    return LambdaError("ResourceNotFoundException", text)


def _restored(arn: str, document: Mapping[str, Any]) -> CodeSigningConfig:
    try:
        return from_document(CodeSigningConfig, document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"code signing config {arn} cannot be read: {error!r}"
        raise StorageError(text) from error
