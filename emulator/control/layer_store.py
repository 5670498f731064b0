"""Every layer of every account and region."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from emulator.control.code import CodeStore
from emulator.control.layers import check_layers
from emulator.control.policy import ResourcePolicy, access_denied
from emulator.control.policy_evaluation import allows_account
from emulator.control.spec import CodeObject
from emulator.control.violations import invalid
from emulator.model import CodePackage, LambdaError, layer_arn
from emulator.storage import Documents, StorageError, from_document, to_document

KIND: Final = "layer"  # of document
READ: Final = "lambda:GetLayerVersion"  # the one action that another account can be allowed

LayerKey = tuple[str, str, str]  # account, region, name

_VALUES: Final[Mapping[str, type[Any]]] = {"policy": ResourcePolicy, "code_object": CodeObject}


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerVersion:
    """One published version; what is None was never given."""

    account: str
    region: str
    name: str
    number: int
    package: CodePackage
    created_at: float  # seconds since the epoch
    description: str = ""
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    license: str | None = None
    policy: ResourcePolicy | None = None  # what other accounts may do with it
    code_object: CodeObject | None = None  # S3ObjectStorageMode REFERENCE

    @property
    def layer_arn(self) -> str:
        """ARN of the layer."""
        return layer_arn(self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """ARN of this version."""
        return f"{self.layer_arn}:{self.number}"

    def fits(self, runtime: str | None, architecture: str | None) -> bool:
        """Tell whether a list that asks for these has it; one that names none fits none."""
        return (runtime is None or runtime in (self.runtimes or ())) and (
            architecture is None or architecture in (self.architectures or ())
        )


@dataclass(kw_only=True, slots=True)
class _Layer:
    versions: dict[int, LayerVersion] = field(default_factory=dict)  # ascending
    last_number: int = 0  # never counts back, also when versions are deleted


class LayerStore:
    """The layers, kept in `Documents`. Any thread may call.

    `_lock` guards the table; it is held while a change is written, and never while an archive is
    unpacked.
    """

    def __init__(self, code: CodeStore, documents: Documents | None = None) -> None:
        """Start empty; `restore` brings back what `documents` hold."""
        self._code = code
        self._documents = documents or Documents()
        self._lock = threading.Lock()
        self._layers: dict[LayerKey, _Layer] = {}

    def restore(self) -> None:
        """Bring back what an earlier process kept, before code that nobody has is deleted.

        Raises StorageError.
        """
        for path, document in self._documents.all(KIND).items():
            account, region, name = path.split("/")
            try:
                versions = [self._restored(each) for each in document["versions"]]
                last_number = int(document["last_number"])
            except (KeyError, TypeError, ValueError) as error:
                raise StorageError(f"layer {path} cannot be read: {error!r}") from error
            self._layers[account, region, name] = _Layer(
                versions={each.number: each for each in versions}, last_number=last_number
            )

    def publish(
        self, key: LayerKey, package: CodePackage, created_at: float, **more: Any
    ) -> LayerVersion:
        """Add a version; `more` are fields of LayerVersion that were given."""
        account, region, name = key
        with self._lock:
            before = self._layers.get(key, _Layer())
            version = LayerVersion(
                account=account,
                region=region,
                name=name,
                number=before.last_number + 1,
                package=package,
                created_at=created_at,
                **more,
            )
            versions = {**before.versions, version.number: version}
            self._keep(key, _Layer(versions=versions, last_number=version.number))
        return version

    def get(self, key: LayerKey, number: int) -> LayerVersion:
        """Return a version; raises LambdaError when there is none."""
        _check_number(number)
        with self._lock:
            found = self._layers.get(key, _Layer()).versions.get(number)
        if found is None:
            raise LambdaError(
                "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return found

    def shared(self, caller: str, key: LayerKey, number: int) -> LayerVersion:
        """As `get`, for an account that may read it; raises AccessDeniedException for others."""
        account, region, name = key
        if caller == account:
            return self.get(key, number)
        with self._lock:
            found = self._layers.get(key, _Layer()).versions.get(number)
        policy = found.policy if found else None
        if found is None or policy is None or not allows_account(policy, caller, READ):
            raise access_denied(caller, READ, f"{layer_arn(account, region, name)}:{number}")
        return found

    def change_policy(
        self,
        key: LayerKey,
        number: int,
        change: Callable[[ResourcePolicy | None], ResourcePolicy | None],
    ) -> LayerVersion:
        """Replace the policy of a version by what `change` makes of it; raises what that raises."""
        _check_number(number)
        with self._lock:
            before = self._layers.get(key, _Layer())
            found = before.versions.get(number)
            if found is None:
                raise _unknown(f"{layer_arn(*key)}:{number}")
            changed = replace(found, policy=change(found.policy))
            self._keep(key, replace(before, versions={**before.versions, number: changed}))
        return changed

    def delete(self, key: LayerKey, number: int) -> None:
        """Delete a version; one that is not there is no error. Who uses it goes on with it."""
        _check_number(number)
        with self._lock:
            before = self._layers.get(key)
            if before is not None and number in before.versions:
                left = {n: each for n, each in before.versions.items() if n != number}
                self._keep(key, _Layer(versions=left, last_number=before.last_number))

    def versions(self, key: LayerKey) -> list[LayerVersion]:
        """The versions of a layer, newest first; none for one that is unknown."""
        with self._lock:
            return list(reversed(self._layers.get(key, _Layer()).versions.values()))

    def layers(self, account: str, region: str) -> list[list[LayerVersion]]:
        """The layers of an account by name, each as its versions, newest first."""
        with self._lock:
            keys = sorted(key for key in self._layers if key[:2] == (account, region))
            return [list(reversed(self._layers[key].versions.values())) for key in keys]

    def attached(self, account: str, region: str, arns: Sequence[str]) -> list[CodePackage]:
        """The content of the versions that a function names; raises LambdaError for a wrong one."""
        check_layers(region, arns)
        return [self._find(account, arn).package for arn in arns]

    def _find(self, caller: str, arn: str) -> LayerVersion:
        _, _, _, region, account, _, name, number = arn.split(":")
        try:
            return self.shared(caller, (account, region, name), int(number))
        except LambdaError as error:
            if error.code == "AccessDeniedException":
                raise
            raise invalid(f"Layer version {arn} does not exist.") from error

    def code_in_use(self) -> list[CodePackage]:
        """The packages that a layer version refers to."""
        with self._lock:
            return [
                version.package
                for layer in self._layers.values()
                for version in layer.versions.values()
            ]

    def reset(self) -> None:
        """Forget every layer; whoever empties everything clears the documents, too."""
        with self._lock:
            self._layers.clear()

    def _keep(self, key: LayerKey, layer: _Layer) -> None:
        if self._documents.are_kept:
            versions = [self._document(each) for each in layer.versions.values()]
            document = {"last_number": layer.last_number, "versions": versions}
            self._documents.put(KIND, "/".join(key), document)
        self._layers[key] = layer

    def _document(self, version: LayerVersion) -> Mapping[str, Any]:
        plain = {name: getattr(version, name) for name in LayerVersion.__slots__}
        return {
            **plain,
            "package": self._code.document(version.package),
            "policy": to_document(version.policy),
            "code_object": to_document(version.code_object),
        }

    def _restored(self, document: Mapping[str, Any]) -> LayerVersion:
        tuples = {
            name: None if document[name] is None else tuple(document[name])
            for name in ("runtimes", "architectures")
        }
        values = {
            name: None if document.get(name) is None else from_document(kind, document[name])
            for name, kind in _VALUES.items()
        }
        package = self._code.reopen(**document["package"])
        return LayerVersion(**{**document, **tuples, **values, "package": package})


def _check_number(number: int) -> None:
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1")


def _unknown(arn: str) -> LambdaError:
    return LambdaError("ResourceNotFoundException", f"Layer version {arn} does not exist.")
