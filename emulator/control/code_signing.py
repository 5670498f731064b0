"""Whether code may be deployed: signed by whom a code signing configuration trusts.

Source: Lambda Developer Guide, using code signing to verify code integrity.
"""

from collections.abc import Callable, Sequence
from typing import Final

from emulator.control.code_signing_store import ENFORCE, CodeSigningConfig, CodeSigningStore
from emulator.control.violations import invalid
from emulator.control.without_effect import Tell
from emulator.model import Clock, CodePackage, LambdaError
from emulator.model.code_signature import SIGNATURE_FILE, CodeSignature

_FOREIGN: Final = (
    "has a signature that AWS's own Signer made. The emulator cannot check it, and counts it as"
    " none: sign the code with the emulator's Signer (StartSigningJob), or set"
    " UntrustedArtifactOnDeployment to Warn"
)
IsRevoked = Callable[[CodeSignature], bool]
"""Whether the signing job or the version of the signing profile behind a signature is revoked."""


class CodeSigning:
    """Checks code and layers when they are deployed. Any thread may call."""

    def __init__(
        self, configs: CodeSigningStore, clock: Clock, is_revoked: IsRevoked, tell: Tell
    ) -> None:
        self._configs = configs
        self._clock = clock
        self._is_revoked = is_revoked
        self._tell = tell

    def config(self, arn: str) -> CodeSigningConfig:
        """The configuration that a function is to have; raises LambdaError when it is unknown."""
        found = self._configs.find(arn)
        if found is None:
            raise LambdaError(
                "CodeSigningConfigNotFoundException",
                "The code signing configuration cannot be found. Check that the provided"
                f" configuration is not deleted: {arn}.",
            )
        return found

    def check(self, config_arn: str | None, function: str, packages: Sequence[CodePackage]) -> None:
        """Raise LambdaError for packages that the configuration refuses.

        function: how the error names it. What the configuration only warns of is told.
        """
        if config_arn is None:
            return
        config = self.config(config_arn)
        for package in packages:
            signature = package.signature
            if signature is not None and not signature.is_intact:  # whatever the policy
                raise _broken(function)
            if (problem := self._problem(config, package)) is None:
                continue
            if config.on_untrusted == ENFORCE:
                raise _refused(function, problem)
            self._tell(
                f"Code of {function} {problem}. {config.id} lets it through; with Enforce AWS"
                " would refuse it."
            )

    def _problem(self, config: CodeSigningConfig, package: CodePackage) -> str | None:
        signature = package.signature
        if signature is None:
            # Differs from Lambda: only AWS can check what its own Signer wrote.
            return _FOREIGN if (package.folder / SIGNATURE_FILE).is_file() else "is not signed"
        if signature.expires_at <= self._clock.now():
            return "has a signature that has expired"
        if signature.profile_version_arn not in config.publishers:
            return f"is signed by {signature.profile_version_arn}, which is not allowed"
        if self._is_revoked(signature):
            return "has a signature that was revoked"
        return None


def check_signable(*, is_image: bool) -> None:
    """Raise InvalidParameterValueException for functions that can have no configuration."""
    if is_image:
        raise invalid("Code signing is not supported for functions created with container images.")


def signature_answer(package: CodePackage) -> dict[str, str]:
    """The members that tell who signed the code of a function or layer; none: nobody did."""
    signature = package.signature
    if signature is None:
        return {}
    return {
        "SigningProfileVersionArn": signature.profile_version_arn,
        "SigningJobArn": signature.job_arn,
    }


def _refused(function: str, problem: str) -> LambdaError:
    return LambdaError(
        "CodeVerificationFailedException",
        "Lambda cannot deploy the function. The function or layer might be signed using a"
        " signature that the client is not configured to accept. Check the provided signature for"
        f" {function}." + (f" The code {problem}." if problem is _FOREIGN else ""),
    )


def _broken(function: str) -> LambdaError:
    return LambdaError(
        "InvalidCodeSignatureException",
        "Lambda cannot deploy the function. The code signature failed the integrity check. Check"
        f" the provided signature for {function}.",
    )
