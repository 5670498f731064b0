"""Whether code may be deployed: signed by whom a code signing configuration trusts.

Source: Lambda Developer Guide, using code signing to verify code integrity.
"""

import logging
from collections.abc import Sequence

from emulator.control.code_signing_store import ENFORCE, CodeSigningConfig, CodeSigningStore
from emulator.control.violations import invalid
from emulator.model import CodePackage, LambdaError

log = logging.getLogger("emulator.control")


class CodeSigning:
    """Checks code and layers when they are deployed. Any thread may call."""

    def __init__(self, configs: CodeSigningStore) -> None:
        self._configs = configs

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
        """Raise CodeVerificationFailedException for packages that the configuration refuses.

        function: how the error names it. Where untrusted code only warns, a line tells of it.
        """
        if config_arn is None:
            return
        config = self.config(config_arn)
        for package in packages:
            if (problem := self._problem(config, package)) is None:
                continue
            if config.on_untrusted == ENFORCE:
                raise _refused(function)
            log.warning(
                "code.untrusted function=%s problem=%r In AWS %s with Enforce would refuse it.",
                function,
                problem,
                config.id,
            )

    def _problem(self, config: CodeSigningConfig, package: CodePackage) -> str | None:
        return "not signed"


def check_signable(*, is_image: bool) -> None:
    """Raise InvalidParameterValueException for functions that can have no configuration."""
    if is_image:
        raise invalid("Code signing is not supported for functions created with container images.")


def _refused(function: str) -> LambdaError:
    return LambdaError(
        "CodeVerificationFailedException",
        "Lambda cannot deploy the function. The function or layer might be signed using a"
        " signature that the client is not configured to accept. Check the provided signature for"
        f" {function}.",
    )
