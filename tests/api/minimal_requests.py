"""The least that each operation of the service model can be asked, and what has to be there."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from emulator.model.mapping import SourceDescription
from tests.api.in_process import InProcess
from tests.api.lab import ACCOUNT, ROLE, Lab, archive

_PROFILE: Final = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/mine/1234567890"
_PUBLISHERS: Final = {"SigningProfileVersionArns": [_PROFILE]}


class Made:
    """Resources of an empty account, each made when a request first names it."""

    def __init__(self, lab: Lab, api: InProcess) -> None:
        self._lab = lab
        self._call = api.call
        self.arn = f"arn:aws:lambda:{api.region}:{api.account}"

    @cached_property
    def name(self) -> str:
        """A function."""
        self._call("CreateFunction", NEW_FUNCTION)
        return "f"

    @cached_property
    def function(self) -> dict[str, Any]:
        """A function, as most requests name it."""
        return {"FunctionName": self.name}

    @cached_property
    def version(self) -> dict[str, Any]:
        """A published version, as requests name it that take a Qualifier."""
        number = self._call("PublishVersion", self.function)["Version"]
        return {**self.function, "Qualifier": number}

    @cached_property
    def alias(self) -> dict[str, Any]:
        """An alias."""
        number = self.version["Qualifier"]
        request = {**self.function, "Name": "live", "FunctionVersion": number}
        self._call("CreateAlias", request)
        return {**self.function, "Name": "live"}

    @cached_property
    def layer(self) -> dict[str, Any]:
        """A layer version."""
        number = self._call("PublishLayerVersion", _NEW_LAYER)["Version"]
        return {"LayerName": "l", "VersionNumber": number}

    @cached_property
    def layer_statement(self) -> dict[str, Any]:
        """A statement in a layer version's policy."""
        self._call("AddLayerVersionPermission", {**self.layer, **_LAYER_STATEMENT})
        return {**self.layer, "StatementId": "s"}

    @cached_property
    def statement(self) -> dict[str, Any]:
        """A statement in a function's policy."""
        self._call("AddPermission", {**self.function, **_STATEMENT})
        return {**self.function, "StatementId": "s"}

    @cached_property
    def new_resource_policy(self) -> dict[str, Any]:
        """A resource policy for a function."""
        statement = {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": self.resource_arn["ResourceArn"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {**self.resource_arn, "Policy": json.dumps(policy)}

    @cached_property
    def resource_policy(self) -> dict[str, Any]:
        """A function with a resource policy as a whole."""
        self._call("PutResourcePolicy", self.new_resource_policy)
        return self.resource_arn

    @cached_property
    def resource_arn(self) -> dict[str, Any]:
        """A function, by its ARN, as operations on resource policies name it."""
        return {"ResourceArn": f"{self.arn}:function:{self.name}"}

    @cached_property
    def resource(self) -> dict[str, Any]:
        """A function, as operations on tags name it."""
        return {"Resource": f"{self.arn}:function:{self.name}"}

    @cached_property
    def queue(self) -> str:
        """A queue."""
        arn = f"{self.arn.replace('lambda', 'sqs')}:q"
        self._lab.sources[arn] = SourceDescription(visibility_timeout_s=30)
        return arn

    @cached_property
    def stream(self) -> str:
        """A Kinesis stream."""
        arn = f"{self.arn.replace('lambda', 'kinesis')}:stream/s"
        self._lab.sources[arn] = SourceDescription()
        return arn

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """An event source mapping."""
        request = {**self.function, "EventSourceArn": self.queue}
        return {"UUID": self._call("CreateEventSourceMapping", request)["UUID"]}

    @cached_property
    def invoke_config(self) -> dict[str, Any]:
        """A function with a configuration of asynchronous invocations."""
        self._call("PutFunctionEventInvokeConfig", {**self.function, "MaximumRetryAttempts": 1})
        return self.function

    @cached_property
    def provisioned(self) -> dict[str, Any]:
        """A version with provisioned concurrency."""
        request = {**self.version, "ProvisionedConcurrentExecutions": 1}
        self._call("PutProvisionedConcurrencyConfig", request)
        return self.version

    @cached_property
    def url(self) -> dict[str, Any]:
        """A function with a URL."""
        self._call("CreateFunctionUrlConfig", {**self.function, "AuthType": "NONE"})
        return self.function

    @cached_property
    def signing(self) -> dict[str, Any]:
        """A code signing configuration."""
        made = self._call("CreateCodeSigningConfig", {"AllowedPublishers": _PUBLISHERS})
        return {"CodeSigningConfigArn": made["CodeSigningConfig"]["CodeSigningConfigArn"]}

    @cached_property
    def provider(self) -> dict[str, Any]:
        """A capacity provider."""
        self._call("CreateCapacityProvider", _NEW_PROVIDER)
        return {"CapacityProviderName": "c"}

    @cached_property
    def managed_version(self) -> dict[str, Any]:
        """A published version that runs on a capacity provider."""
        shown = self._call("GetCapacityProvider", self.provider)["CapacityProvider"]
        arn = shown["CapacityProviderArn"]
        use = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}
        request = {**NEW_FUNCTION, "FunctionName": "managed", "CapacityProviderConfig": use}
        self._call("CreateFunction", {**request, "Publish": True})
        return {"FunctionName": "managed", "Qualifier": "1"}


NEW_FUNCTION: Final = {
    "FunctionName": "f",
    "Runtime": "python3.12",
    "Role": ROLE,
    "Handler": "app.handler",
    "Code": {"ZipFile": archive()},
}
_NEW_LAYER: Final = {"LayerName": "l", "Content": {"ZipFile": archive(lib="x = 1")}}
_NEW_PROVIDER: Final = {
    "CapacityProviderName": "c",
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
}
_STATEMENT: Final = {
    "StatementId": "s",
    "Action": "lambda:InvokeFunction",
    "Principal": "s3.amazonaws.com",
}
_LAYER_STATEMENT: Final = {
    "StatementId": "s",
    "Action": "lambda:GetLayerVersion",
    "Principal": "*",
}

Request = Callable[[Made], Mapping[str, Any]]

MINIMAL: Final[Mapping[str, Request]] = {
    "AddLayerVersionPermission": lambda made: {**made.layer, **_LAYER_STATEMENT},
    "AddPermission": lambda made: {**made.function, **_STATEMENT},
    "CreateAlias": lambda made: {
        **made.function,
        "Name": "live",
        "FunctionVersion": made.version["Qualifier"],
    },
    "CreateCapacityProvider": lambda _: _NEW_PROVIDER,
    "CreateCodeSigningConfig": lambda _: {"AllowedPublishers": _PUBLISHERS},
    "CreateEventSourceMapping": lambda made: {**made.function, "EventSourceArn": made.queue},
    "CreateFunction": lambda _: NEW_FUNCTION,
    "CreateFunctionUrlConfig": lambda made: {**made.function, "AuthType": "NONE"},
    "DeleteAlias": lambda made: made.alias,
    "DeleteCapacityProvider": lambda made: made.provider,
    "DeleteCodeSigningConfig": lambda made: made.signing,
    "DeleteEventSourceMapping": lambda made: made.mapping,
    "DeleteFunction": lambda made: made.function,
    "DeleteFunctionCodeSigningConfig": lambda made: made.function,
    "DeleteFunctionConcurrency": lambda made: made.function,
    "DeleteFunctionEventInvokeConfig": lambda made: made.invoke_config,
    "DeleteFunctionUrlConfig": lambda made: made.url,
    "DeleteLayerVersion": lambda made: made.layer,
    "DeleteProvisionedConcurrencyConfig": lambda made: made.provisioned,
    "DeleteResourcePolicy": lambda made: made.resource_policy,
    "GetAccountSettings": lambda _: {},
    "GetAlias": lambda made: made.alias,
    "GetCapacityProvider": lambda made: made.provider,
    "GetCodeSigningConfig": lambda made: made.signing,
    "GetEventSourceMapping": lambda made: made.mapping,
    "GetFunction": lambda made: made.function,
    "GetFunctionCodeSigningConfig": lambda made: made.function,
    "GetFunctionConcurrency": lambda made: made.function,
    "GetFunctionConfiguration": lambda made: made.function,
    "GetFunctionEventInvokeConfig": lambda made: made.invoke_config,
    "GetFunctionRecursionConfig": lambda made: made.function,
    "GetFunctionScalingConfig": lambda made: made.managed_version,
    "GetFunctionUrlConfig": lambda made: made.url,
    "GetLayerVersion": lambda made: made.layer,
    "GetLayerVersionByArn": lambda made: {
        "Arn": f"{made.arn}:layer:{made.layer['LayerName']}:{made.layer['VersionNumber']}"
    },
    "GetLayerVersionPolicy": lambda made: {
        name: made.layer_statement[name] for name in ("LayerName", "VersionNumber")
    },
    "GetPolicy": lambda made: {"FunctionName": made.statement["FunctionName"]},
    "GetProvisionedConcurrencyConfig": lambda made: made.provisioned,
    "GetResourcePolicy": lambda made: made.resource_policy,
    "GetRuntimeManagementConfig": lambda made: made.function,
    "Invoke": lambda made: made.function,
    "InvokeAsync": lambda made: {**made.function, "InvokeArgs": b"{}"},
    "InvokeWithResponseStream": lambda made: made.function,
    "ListAliases": lambda made: {"FunctionName": made.alias["FunctionName"]},
    "ListCapacityProviders": lambda _: {},
    "ListCodeSigningConfigs": lambda _: {},
    "ListDurableExecutionsByFunction": lambda made: made.function,
    "ListEventSourceMappings": lambda _: {},
    "ListFunctionEventInvokeConfigs": lambda made: made.invoke_config,
    "ListFunctionUrlConfigs": lambda made: made.url,
    "ListFunctionVersionsByCapacityProvider": lambda made: made.provider,
    "ListFunctions": lambda _: {},
    "ListFunctionsByCodeSigningConfig": lambda made: made.signing,
    "ListLayerVersions": lambda made: {"LayerName": made.layer["LayerName"]},
    "ListLayers": lambda _: {},
    "ListProvisionedConcurrencyConfigs": lambda made: {
        "FunctionName": made.provisioned["FunctionName"]
    },
    "ListTags": lambda made: made.resource,
    "ListVersionsByFunction": lambda made: made.function,
    "PublishLayerVersion": lambda _: _NEW_LAYER,
    "PublishVersion": lambda made: made.function,
    "PutFunctionCodeSigningConfig": lambda made: {**made.function, **made.signing},
    "PutFunctionConcurrency": lambda made: {**made.function, "ReservedConcurrentExecutions": 1},
    "PutFunctionEventInvokeConfig": lambda made: {**made.function, "MaximumRetryAttempts": 1},
    "PutFunctionRecursionConfig": lambda made: {**made.function, "RecursiveLoop": "Allow"},
    "PutFunctionScalingConfig": lambda made: made.managed_version,
    "PutProvisionedConcurrencyConfig": lambda made: {
        **made.version,
        "ProvisionedConcurrentExecutions": 1,
    },
    "PutResourcePolicy": lambda made: made.new_resource_policy,
    "PutRuntimeManagementConfig": lambda made: {**made.function, "UpdateRuntimeOn": "Auto"},
    "RemoveLayerVersionPermission": lambda made: made.layer_statement,
    "RemovePermission": lambda made: made.statement,
    "TagResource": lambda made: {**made.resource, "Tags": {"k": "v"}},
    "UntagResource": lambda made: {**made.resource, "TagKeys": ["k"]},
    "UpdateAlias": lambda made: made.alias,
    "UpdateCapacityProvider": lambda made: made.provider,
    "UpdateCodeSigningConfig": lambda made: made.signing,
    "UpdateEventSourceMapping": lambda made: made.mapping,
    "UpdateFunctionCode": lambda made: {**made.function, "ZipFile": archive()},
    "UpdateFunctionConfiguration": lambda made: made.function,
    "UpdateFunctionEventInvokeConfig": lambda made: {
        **made.invoke_config,
        "MaximumRetryAttempts": 0,
    },
    "UpdateFunctionUrlConfig": lambda made: made.url,
}

NOT_BUILT: Final = frozenset[str]()  # operations that answer 501, as docs/coverage.md says
# They need an execution, which a function has to run for: tests/durable asks them.
NEED_AN_EXECUTION: Final = frozenset(
    (
        *("CheckpointDurableExecution", "DeleteDurableExecution", "GetDurableExecution"),
        *("GetDurableExecutionHistory", "GetDurableExecutionState", "PauseDurableExecution"),
        *("ResumeDurableExecution", "SendDurableExecutionCallbackFailure"),
        *("SendDurableExecutionCallbackHeartbeat", "SendDurableExecutionCallbackSuccess"),
        "StopDurableExecution",
    )
)
