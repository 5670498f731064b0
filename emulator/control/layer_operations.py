"""PublishLayerVersion, and what reads and deletes layer versions."""

import re
from typing import Any, Final

from emulator.control.answers import timestamp
from emulator.control.code import CodeStore
from emulator.control.code_signing import signature_answer
from emulator.control.code_source import CodeSource, code_object, code_object_answer
from emulator.control.layer_store import LayerKey, LayerStore, LayerVersion
from emulator.control.paging import page
from emulator.control.policy import access_denied
from emulator.control.request import Request, RequestContext, Response
from emulator.control.runtimes import check_compatible, check_wanted
from emulator.control.violations import invalid
from emulator.control.without_effect import COPIED, WithoutEffect
from emulator.model import Clock

PAGE: Final = 50
_ARN: Final = re.compile(r"arn:[a-zA-Z0-9-]+:lambda:([^:]*):(\d{12}):layer:([a-zA-Z0-9-_]+)(:\d+)?")
_GIVEN: Final = {  # member: field of LayerVersion
    "Description": "description",
    "CompatibleRuntimes": "runtimes",
    "CompatibleArchitectures": "architectures",
    "LicenseInfo": "license",
}


class LayerOperations:
    """Operations on layers. Any thread may call."""

    def __init__(
        self,
        layers: LayerStore,
        code: CodeStore,
        source: CodeSource,
        clock: Clock,
        without_effect: WithoutEffect,
    ) -> None:
        self._layers = layers
        self._code = code
        self._source = source
        self._clock = clock
        self._without_effect = without_effect

    def publish_layer_version(self, context: RequestContext, request: Request) -> Response:
        """Make a version of a layer, and the layer with its first one."""
        key = owned_layer(context, request["LayerName"], "PublishLayerVersion")
        check_compatible(request.get("CompatibleRuntimes", ()))
        package = self._source.package(context, request["Content"])
        given = {field: request[member] for member, field in _GIVEN.items() if member in request}
        for field in ("runtimes", "architectures"):
            if field in given:
                given[field] = tuple(given[field])
        given["code_object"] = code_object(request["Content"])
        made = self._layers.publish(key, package, self._clock.now(), **given)
        if made.code_object is not None:
            self._without_effect.tell_once("S3ObjectStorageMode", f"layer {made.name}", COPIED)
        return self._whole(context, made)

    def get_layer_version(self, context: RequestContext, request: Request) -> Response:
        """A version with an address that its content can be downloaded from."""
        key = _key(context, request["LayerName"])
        version = self._layers.shared(context.account, key, request["VersionNumber"])
        return self._whole(context, version)

    def get_layer_version_by_arn(self, context: RequestContext, request: Request) -> Response:
        """As GetLayerVersion, for who has an ARN."""
        name, _, number = request["Arn"].rpartition(":")
        version = self._layers.shared(context.account, _key(context, name), int(number))
        return self._whole(context, version)

    def list_layers(self, context: RequestContext, request: Request) -> Response:
        """One page of layers by name, each with its newest version that matches."""
        check_wanted(request.get("CompatibleRuntime"))
        newest = [
            matching[0]
            for versions in self._layers.layers(context.account, context.region)
            if (matching := _matching(request, versions))
        ]
        shown, marker = page(request, newest, lambda version: version.name, PAGE)
        return {
            "Layers": [
                {
                    "LayerName": version.name,
                    "LayerArn": version.layer_arn,
                    "LatestMatchingVersion": _listed(version),
                }
                for version in shown
            ],
            **marker,
        }

    def list_layer_versions(self, context: RequestContext, request: Request) -> Response:
        """One page of the versions of a layer, newest first."""
        check_wanted(request.get("CompatibleRuntime"))
        key = owned_layer(context, request["LayerName"], "ListLayerVersions")
        versions = _matching(request, self._layers.versions(key))
        shown, marker = page(request, versions, _newest_first, PAGE)
        return {"LayerVersions": [_listed(version) for version in shown], **marker}

    def delete_layer_version(self, context: RequestContext, request: Request) -> Response:
        """Delete a version; functions that have it go on with it."""
        key = owned_layer(context, request["LayerName"], "DeleteLayerVersion")
        self._layers.delete(key, request["VersionNumber"])
        return {}

    def _whole(self, context: RequestContext, version: LayerVersion) -> Response:
        token = self._code.token(version.package)
        content: Response = {
            "Location": f"{context.endpoint}/_emulator/code/{token}",
            "CodeSha256": version.package.sha256,
            "CodeSize": version.package.size_bytes,
            **signature_answer(version.package),
        }
        if version.code_object is not None:
            content["ResolvedS3Object"] = code_object_answer(version.code_object)
        return {
            "Content": content,
            "LayerArn": version.layer_arn,
            **_listed(version),
        }


def owned_layer(context: RequestContext, name: str, action: str) -> LayerKey:
    """Read a layer's name or ARN; raises AccessDeniedException for one of another account."""
    key = _key(context, name)
    if key[0] != context.account:
        raise access_denied(context.account, f"lambda:{action}", name)
    return key


def _key(context: RequestContext, name: str) -> LayerKey:
    """Read a layer's name or ARN; raises LambdaError for one of another region."""
    arn = _ARN.fullmatch(name)
    if arn is None:
        return context.account, context.region, name
    region, account = arn[1], arn[2]
    if region != context.region:
        raise invalid(
            "Layers are not in the same region as the function. Layers are expected to be in"
            f" region {context.region}."
        )
    return account, region, arn[3]


def _matching(request: Request, versions: list[LayerVersion]) -> list[LayerVersion]:
    runtime, architecture = request.get("CompatibleRuntime"), request.get("CompatibleArchitecture")
    return [version for version in versions if version.fits(runtime, architecture)]


def _newest_first(version: LayerVersion) -> str:
    return f"{10**12 - version.number:012}"


def _listed(version: LayerVersion) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": timestamp(version.created_at),
    }
    if version.runtimes is not None:
        answer["CompatibleRuntimes"] = list(version.runtimes)
    if version.architectures is not None:
        answer["CompatibleArchitectures"] = list(version.architectures)
    if version.license is not None:
        answer["LicenseInfo"] = version.license
    return answer
