"""CreateFunction and what reads, changes and deletes functions."""

import re
from collections.abc import Sequence
from typing import Any, Final

from emulator.control import answers
from emulator.control.archive import too_large
from emulator.control.code_signing import CodeSigning, check_signable
from emulator.control.code_source import CodeSource, code_object, code_object_answer
from emulator.control.concurrency_operations import concurrency
from emulator.control.durable_config import changed_durable_config, new_durable_config
from emulator.control.function import FunctionConfiguration
from emulator.control.images import check_code_update, image_code_answer
from emulator.control.names import Target, target
from emulator.control.other_services import OtherServices
from emulator.control.paging import last_shown, page
from emulator.control.publication import publication
from emulator.control.request import (
    Request,
    RequestContext,
    Response,
    addressed,
    addressed_unqualified,
)
from emulator.control.settings import read_settings
from emulator.control.spec import FunctionSpec
from emulator.control.stores import Stores
from emulator.control.unsupported import refuse_unsupported
from emulator.control.validation import check_dead_letter_target, check_user_keys
from emulator.control.violations import invalid
from emulator.control.vpc import read_vpc_config
from emulator.control.without_effect import WithoutEffect
from emulator.model import JSON_LOG, LATEST, CodePackage

PAGE: Final = 50  # functions; spec/control-plane.md section 1


def _code_settings(request: Request) -> dict[str, Any]:
    """The fields of FunctionSpec that come with code: what is not given goes with the old code."""
    fields: dict[str, Any] = {
        "source_kms_key_arn": request.get("SourceKMSKeyArn", ""),
        "code_object": code_object(request),
    }
    if "Architectures" in request:
        fields["architecture"] = request["Architectures"][0]
    return fields


def _check_size(code: CodePackage, layers: Sequence[CodePackage]) -> None:
    """Raise LambdaError when code and layers together are too large; each alone is not."""
    if layers and (problem := too_large([code, *layers])):
        raise invalid(problem)


class FunctionOperations:
    """Operations on functions as a whole. Any thread may call."""

    def __init__(
        self,
        stores: Stores,
        others: OtherServices,
        source: CodeSource,
        signing: CodeSigning,
        without_effect: WithoutEffect,
    ) -> None:
        self._store = stores.functions
        self._layers = stores.layers
        self._code = stores.code
        self._providers = stores.providers
        self._target_exists = others.target_exists
        self._find_vpc = others.find_vpc
        self._source = source
        self._signing = signing
        self._without_effect = without_effect

    def create_function(self, context: RequestContext, request: Request) -> Response:
        """Make a function; with Publish its version 1 as well, which is then the answer."""
        where = target(context.account, context.region, request["FunctionName"])
        self._store.check_access(context.account, where, "lambda:CreateFunction")
        if where.qualifier is not None:
            raise invalid(f"A new function's name cannot have a qualifier: {where.qualifier}")
        refuse_unsupported("CreateFunction", request["Code"])
        check_user_keys(request.get("Tags", {}))
        is_image = request.get("PackageType") == "Image"
        settings = read_settings("CreateFunction", request) | _code_settings(request["Code"])
        settings |= self._vpc(where, request)
        if settings.get("capacity"):
            settings.setdefault("log_format", JSON_LOG)
        check_dead_letter_target(settings.get("dead_letter_arn"), self._target_exists)
        spec = FunctionSpec(
            account=where.account,
            region=where.region,
            name=where.name,
            is_image=is_image,
            durable=new_durable_config(request.get("DurableConfig")),
            **{"runtime": "", "handler": "", **settings},
        )
        self._check_provider(spec)
        layers = self._layers.attached(where.account, where.region, spec.layers)
        code = self._source.package(context, request["Code"], is_image=is_image)
        _check_size(code, layers)
        if signing_arn := request.get("CodeSigningConfigArn"):
            check_signable(is_image=is_image)
            self._signing.check(signing_arn, where.name, [code, *layers])
        made = self._store.create(
            spec,
            code,
            layers,
            publish=publication(request),
            tags=request.get("Tags"),
            code_signing=lambda: signing_arn and self._signing.config(signing_arn).arn,
            check=self._check_provider,
        )
        self._without_effect.look_at(made.spec)
        return answers.changed(made)

    def update_function_code(self, context: RequestContext, request: Request) -> Response:
        """Give a function new code; DryRun only shows what would come of it."""
        where = addressed_unqualified(self._store, context, request, "UpdateFunctionCode")
        shown = self._store.get(where)  # an unknown function counts before faulty code
        spec, old = shown.spec, shown.version
        check_code_update(spec, request)
        refuse_unsupported("UpdateFunctionCode", request)
        changes = _code_settings(request)
        code = self._source.package(context, request, is_image=spec.is_image)
        _check_size(code, old.layers)
        self._check_signed(where, [code])
        revision_id = request.get("RevisionId")
        if request.get("DryRun"):
            return answers.configuration(
                self._store.preview_code(where, code, changes=changes, revision_id=revision_id)
            )
        updated = self._store.replace_code(
            where,
            code,
            changes=changes,
            revision_id=revision_id,
            publish=publication(request),
        )
        self._without_effect.look_at(updated.spec)
        return answers.changed(updated)

    def update_function_configuration(self, context: RequestContext, request: Request) -> Response:
        """Change settings; members that are absent keep their value."""
        where = addressed_unqualified(self._store, context, request, "UpdateFunctionConfiguration")
        shown = self._store.get(where)  # an unknown function counts before faulty settings
        old = shown.version
        changes = read_settings("UpdateFunctionConfiguration", request) | self._vpc(where, request)
        if "DurableConfig" in request:
            config = changed_durable_config(shown.spec.durable, request["DurableConfig"])
            changes["durable"] = config
        if capacity := changes.get("capacity"):
            if shown.spec.capacity is None:
                raise invalid("CapacityProviderConfig can be set only when a function is created.")
            self._providers.get(capacity.provider_arn)
        check_dead_letter_target(changes.get("dead_letter_arn"), self._target_exists)
        layers = None
        if "layers" in changes:
            layers = self._layers.attached(where.account, where.region, changes["layers"])
            _check_size(old.code, layers)
            self._check_signed(where, layers)
        updated = self._store.replace_configuration(
            where,
            changes,
            layers,
            revision_id=request.get("RevisionId"),
            check=self._check_provider,
        )
        self._without_effect.look_at(updated.spec)
        return answers.changed(updated)

    def _check_provider(self, spec: FunctionSpec) -> None:
        """Raise LambdaError where the capacity provider of a function is not there.

        The store asks again when nobody can delete it any more.
        """
        if spec.capacity is not None:
            self._providers.get(spec.capacity.provider_arn)

    def _vpc(self, where: Target, request: Request) -> dict[str, Any]:
        if "VpcConfig" not in request:
            return {}
        config = request["VpcConfig"]
        return {"vpc": read_vpc_config(config, where.account, where.region, self._find_vpc)}

    def _check_signed(self, where: Target, packages: Sequence[CodePackage]) -> None:
        arn = self._store.read(where, lambda function: function.code_signing_arn)
        self._signing.check(arn, where.arn, packages)

    def get_function(self, context: RequestContext, request: Request) -> Response:
        """Configuration, tags, and an address that its code can be downloaded from."""
        where = addressed(self._store, context, request, "GetFunction")
        shown = self._store.get(where)
        response: Response = {
            "Configuration": answers.configuration(shown, where.qualifier),
            "Code": self._code_answer(context, shown),
        }
        if tags := self._store.read(where, lambda function: function.tags):
            response["Tags"] = dict(tags)
        if reserved := concurrency(self._store, where):
            response["Concurrency"] = reserved
        return response

    def _code_answer(self, context: RequestContext, shown: FunctionConfiguration) -> Response:
        spec, code = shown.spec, shown.version.code
        if code.image is not None:
            return image_code_answer(code)
        location = f"{context.endpoint}/_emulator/code/{self._code.token(code)}"
        answer: Response = {"RepositoryType": "S3", "Location": location}
        if spec.source_kms_key_arn:
            answer["SourceKMSKeyArn"] = spec.source_kms_key_arn
        if spec.code_object is not None:
            answer["ResolvedS3Object"] = code_object_answer(spec.code_object)
        return answer

    def get_function_configuration(self, context: RequestContext, request: Request) -> Response:
        """Configuration of `$LATEST` or of the version the qualifier names."""
        where = addressed(self._store, context, request, "GetFunctionConfiguration")
        return answers.configuration(self._store.get(where), where.qualifier)

    def list_functions(self, context: RequestContext, request: Request) -> Response:
        """One page of functions by name; FunctionVersion=ALL shows each of their versions."""
        is_all = "FunctionVersion" in request
        start = answers.name_in(last_shown(request) or "")
        # The first one may have been shown, and one too many tells that another page follows.
        functions = self._store.list_functions(
            context.account, context.region, start=start, most=PAGE + 2
        )
        if request.get("MasterRegion", "ALL") != "ALL":
            functions = []  # replicas of another region's function: there are no edge locations
        versions = [
            shown for function in functions for shown in (function if is_all else function[:1])
        ]
        found, marker = page(request, versions, answers.list_key, PAGE)
        return {
            "Functions": [
                answers.listed(shown, shown.version.version if is_all else None) for shown in found
            ],
            **marker,
        }

    def delete_function(self, context: RequestContext, request: Request) -> Response:
        """Delete a function, or one version of it."""
        where = addressed(self._store, context, request, "DeleteFunction")
        if where.qualifier not in {None, LATEST} and not re.fullmatch(
            r"\d+|\$LATEST\.PUBLISHED", where.qualifier
        ):
            raise invalid("Deletion of aliases is not currently supported.")
        self._store.delete(where)
        return {"StatusCode": 204}  # sic: the service model says 200
