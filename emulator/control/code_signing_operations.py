"""Operations on code signing configurations, and on the one that a function has.

Source: spec/control-plane.md, Code signing.
"""

import re
from typing import Any, Final

from emulator.control.answers import timestamp
from emulator.control.code_signing import CodeSigning, check_signable
from emulator.control.code_signing_store import CodeSigningConfig, CodeSigningStore
from emulator.control.function import Function
from emulator.control.names import Target
from emulator.control.paging import page
from emulator.control.policy import access_denied
from emulator.control.request import Request, RequestContext, Response, addressed_unqualified
from emulator.control.store import FunctionStore
from emulator.control.validation import check_tags, check_user_keys
from emulator.control.violations import invalid
from emulator.model import LambdaError

PAGE: Final = 50
_PROFILE_VERSION: Final = re.compile(
    r"arn:aws[a-zA-Z-]*:signer:[a-z0-9-]+:\d{12}:/signing-profiles/[a-zA-Z0-9_]{2,64}/[a-zA-Z0-9]{10}"
)


class CodeSigningOperations:
    """Operations on code signing configurations. Any thread may call."""

    def __init__(
        self, functions: FunctionStore, configs: CodeSigningStore, signing: CodeSigning
    ) -> None:
        self._functions = functions
        self._configs = configs
        self._signing = signing

    # The configurations.

    def create_code_signing_config(self, context: RequestContext, request: Request) -> Response:
        """Make a configuration."""
        tags = request.get("Tags", {})
        check_tags(tags)
        check_user_keys(tags)
        fields = _fields(request)
        made = self._configs.create(context.account, context.region, **fields, tags=tags)
        return {"CodeSigningConfig": _answer(made)}

    def get_code_signing_config(self, context: RequestContext, request: Request) -> Response:
        """One configuration."""
        arn = _owned(context, request, "GetCodeSigningConfig")
        return {"CodeSigningConfig": _answer(self._configs.get(arn))}

    def list_code_signing_configs(self, context: RequestContext, request: Request) -> Response:
        """One page of configurations."""
        configs = self._configs.of(context.account, context.region)
        shown, marker = page(request, configs, lambda config: config.id, PAGE)
        return {"CodeSigningConfigs": [_answer(each) for each in shown], **marker}

    def update_code_signing_config(self, context: RequestContext, request: Request) -> Response:
        """Change a configuration; it counts for the next deployment of its functions."""
        arn = _owned(context, request, "UpdateCodeSigningConfig")
        return {"CodeSigningConfig": _answer(self._configs.update(arn, **_fields(request)))}

    def delete_code_signing_config(self, context: RequestContext, request: Request) -> Response:
        """Take a configuration away that no function has."""
        arn = _owned(context, request, "DeleteCodeSigningConfig")
        with self._functions.unchanged():
            if users := self._users(self._configs.get(arn)):
                raise LambdaError(
                    "ResourceConflictException",
                    f"The code signing configuration {arn} is in use by {len(users)} functions.",
                )
            self._configs.delete(arn)
        return {}

    def list_functions_by_code_signing_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of the functions that have a configuration."""
        arn = _owned(context, request, "ListFunctionsByCodeSigningConfig")
        shown, marker = page(request, self._users(self._configs.get(arn)), str, PAGE)
        return {"FunctionArns": shown, **marker}

    def _users(self, config: CodeSigningConfig) -> list[str]:
        functions = self._functions.select(
            config.account,
            config.region,
            lambda function: (function.code_signing_arn, function.latest.spec.arn),
        )
        return sorted(function for used, function in functions if used == config.arn)

    # The configuration of a function.

    def put_function_code_signing_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Give a function a configuration: what is deployed from now on is checked."""
        where = self._function(context, request, "PutFunctionCodeSigningConfig")
        arn = request["CodeSigningConfigArn"]

        def change(function: Function) -> None:
            # Looked up while the function is locked: nobody deletes it in between.
            function.code_signing_arn = self._signing.config(arn).arn

        self._functions.change(where, change)
        return {"CodeSigningConfigArn": arn, "FunctionName": where.name}

    def get_function_code_signing_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """The configuration of a function; without one only its name."""
        where = self._function(context, request, "GetFunctionCodeSigningConfig")
        arn = self._functions.read(where, lambda function: function.code_signing_arn)
        config = {} if arn is None else {"CodeSigningConfigArn": arn}
        return {**config, "FunctionName": where.name}

    def delete_function_code_signing_config(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Let a function have any code again."""
        where = self._function(context, request, "DeleteFunctionCodeSigningConfig")

        def change(function: Function) -> None:
            function.code_signing_arn = None

        self._functions.change(where, change)
        return {}

    def _function(self, context: RequestContext, request: Request, action: str) -> Target:
        where = addressed_unqualified(self._functions, context, request, action)
        check_signable(is_image=self._functions.get(where).spec.is_image)
        return where


def _owned(context: RequestContext, request: Request, action: str) -> str:
    arn: str = request["CodeSigningConfigArn"]
    _, _, _, region, account, *_ = arn.split(":")
    if (account, region) != (context.account, context.region):
        raise access_denied(context.account, f"lambda:{action}", arn)
    return arn


def _fields(request: Request) -> dict[str, Any]:
    """The fields of CodeSigningConfig that a request sets; raises LambdaError for wrong ARNs."""
    fields: dict[str, Any] = {}
    if "AllowedPublishers" in request:
        publishers = request["AllowedPublishers"]["SigningProfileVersionArns"]
        if wrong := [arn for arn in publishers if not _PROFILE_VERSION.fullmatch(arn)]:
            raise invalid(f"{wrong[0]} is not the ARN of a version of a signing profile.")
        fields["publishers"] = tuple(publishers)
    if policy := request.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment"):
        fields["on_untrusted"] = policy
    if "Description" in request:
        fields["description"] = request["Description"]
    return fields


def _answer(config: CodeSigningConfig) -> Response:
    return {
        "CodeSigningConfigId": config.id,
        "CodeSigningConfigArn": config.arn,
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.publishers)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.on_untrusted},
        "LastModified": timestamp(config.modified_at),
    }
