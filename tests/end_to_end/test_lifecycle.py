"""The life of a function and of what belongs to it, as Terraform drives it, by three clients."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.drivers import terraform
from tests.end_to_end.drivers.driver import (
    NODE_SDK,
    Boto3,
    Driver,
    Refused,
    aws_cli,
    node_sdk,
)
from tests.end_to_end.drivers.terraform import Resource
from tests.end_to_end.project_folder import RUNTIME
from tests.running_emulator import RunningEmulator, running_emulator

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
NEEDS_NODE_SDK = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_SDK / "node_modules").exists(),
    reason="Node's SDK is not there: make node-client",
)
DRIVERS: dict[str, Callable[[RunningEmulator], AbstractContextManager[Driver]]] = {
    "boto3": lambda emulator: nullcontext(Boto3(emulator)),
    "cli": aws_cli,
    "node": node_sdk,
}


def archive(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        zipped.writestr(entry, f"def handler(event, context): return {code!r}")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder: Path = tmp_path_factory.mktemp("project")
    (folder / "emulator.toml").write_text('[resources]\nqueues = ["work", "dead"]\n')
    with running_emulator(folder) as emulator:
        yield emulator


@pytest.fixture(scope="module", params=["boto3", "cli", pytest.param("node", marks=NEEDS_NODE_SDK)])
def call(emulator: RunningEmulator, request: pytest.FixtureRequest) -> Iterator[Driver]:
    with DRIVERS[request.param](emulator) as driver:
        yield driver


@pytest.fixture(autouse=True)
def empty(emulator: RunningEmulator) -> None:
    emulator.reset()


class Stack:
    """The resources of one configuration, in the order in which they need each other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
        alias = {"FunctionName": name, "Qualifier": "live"}
        self.layer = Resource(
            terraform.LAYER_VERSION,
            {
                "LayerName": name,
                "Content": {"ZipFile": archive("layer")},
                "CompatibleRuntimes": [RUNTIME],
                "CompatibleArchitectures": ["x86_64"],
                "Description": "what functions share",
                "LicenseInfo": "MIT",
            },
        )
        self.function = Resource(
            terraform.FUNCTION,
            {
                "FunctionName": name,
                "Role": ROLE,
                "Runtime": RUNTIME,
                "Handler": "app.handler",
                "Code": {"ZipFile": archive("first")},
                "Publish": True,
                "Description": "made by a plan",
                "Timeout": 20,
                "MemorySize": 256,
                "PackageType": "Zip",
                "Architectures": ["x86_64"],
                "Environment": {"Variables": {"COLOUR": "red"}},
                "EphemeralStorage": {"Size": 1024},
                "DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"},
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
                "Tags": {"team": "blue"},
            },
        )
        self.alias = Resource(
            terraform.ALIAS,
            {"FunctionName": name, "Name": "live", "FunctionVersion": "1", "Description": "d"},
        )
        self.url = Resource(
            terraform.FUNCTION_URL,
            {
                **alias,
                "AuthType": "NONE",
                "InvokeMode": "BUFFERED",
                "Cors": {"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 60},
            },
        )
        self.invoke_config = Resource(
            terraform.EVENT_INVOKE_CONFIG,
            {
                **alias,
                "MaximumRetryAttempts": 1,
                "MaximumEventAgeInSeconds": 120,
                "DestinationConfig": {
                    "OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"}
                },
            },
        )
        self.mapping = Resource(
            terraform.EVENT_SOURCE_MAPPING,
            {
                "FunctionName": name,
                "EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:work",
                "BatchSize": 5,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["new"]}}'}]},
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        )
        self.provisioned = Resource(
            terraform.PROVISIONED_CONCURRENCY, {**alias, "ProvisionedConcurrentExecutions": 1}
        )
        self.resources = [
            *(self.layer, self.function, self.alias, self.url),
            *(self.invoke_config, self.mapping, self.provisioned),
        ]

    def drift(self, call: Driver) -> list[dict[str, Any]]:
        """What a plan would show."""
        found = (resource.drift(call) for resource in self.resources)
        return [drift for drift in found if drift]


def test_it_is_made_planned_changed_and_destroyed_without_drift(
    emulator: RunningEmulator, call: Driver
) -> None:
    stack = Stack("life")

    made = stack.layer.create(call)
    stack.function.config["Layers"] = [made["LayerVersionArn"]]
    for resource in stack.resources[1:]:
        resource.create(call)
    emulator.settle()
    assert call("GetFunction", FunctionName="life")["Tags"] == {"team": "blue"}
    provisioned = stack.provisioned.read(call)
    assert provisioned["Status"] == "READY"
    assert provisioned["AllocatedProvisionedConcurrentExecutions"] == 1
    assert stack.mapping.read(call)["State"] == "Enabled"
    assert stack.drift(call) == []

    change(call, stack)
    emulator.settle()
    assert stack.drift(call) == []

    for resource in reversed(stack.resources):
        if resource is stack.layer:
            call("DeleteLayerVersion", **resource.names)  # its functions may keep it
        elif resource is stack.mapping:
            assert call("DeleteEventSourceMapping", **resource.names)["State"] == "Deleting"
            emulator.settle()
        else:
            resource.destroy(call)
    assert call("ListFunctions").get("Functions", []) == []
    assert call("ListEventSourceMappings").get("EventSourceMappings", []) == []


def change(call: Driver, stack: Stack) -> None:
    """Change in place what the configuration says: settings, code, a version, its alias, tags."""
    stack.function.update(
        call,
        MemorySize=512,
        Timeout=30,
        Description="",
        Environment={"Variables": {"COLOUR": "blue"}},
        TracingConfig={"Mode": "PassThrough"},
        Layers=[],
    )
    call("UpdateFunctionCode", FunctionName=stack.name, ZipFile=archive("second"))
    published = call("PublishVersion", FunctionName=stack.name)
    assert published["Version"] == "2"
    versions = call("ListVersionsByFunction", FunctionName=stack.name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]

    stack.alias.update(
        call, FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {"1": 0.25}}
    )
    assert stack.alias.drift(call) == {}
    stack.alias.update(call, RoutingConfig={"AdditionalVersionWeights": {}})
    del stack.alias.config["RoutingConfig"]
    assert "RoutingConfig" not in stack.alias.read(call)
    ran = call("Invoke", FunctionName=stack.name, Qualifier="live", Payload=b"{}")
    assert (json.loads(ran["Payload"]), ran["ExecutedVersion"]) == ("second", "2")

    stack.mapping.update(call, BatchSize=7, Enabled=True)
    stack.url.update(call, Cors={"AllowOrigins": ["https://a.example"]})
    stack.invoke_config.update(call, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60)
    del stack.invoke_config.config["DestinationConfig"]  # what a put leaves out is gone
    call("TagResource", Resource=stack.arn, Tags={"stage": "test"})
    call("UntagResource", Resource=stack.arn, TagKeys=["team"])
    assert call("ListTags", Resource=stack.arn)["Tags"] == {"stage": "test"}


def test_permissions_are_added_read_and_removed(call: Driver) -> None:
    function = Stack("shared").function
    function.config["Publish"] = False
    function.create(call)
    permission = {
        "FunctionName": "shared",
        "StatementId": "terraform-1",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::photos",
        "SourceAccount": ACCOUNT,
    }

    added = json.loads(call("AddPermission", **permission)["Statement"])

    (statement,) = json.loads(call("GetPolicy", FunctionName="shared")["Policy"])["Statement"]
    assert statement == added
    assert statement["Sid"] == "terraform-1"
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"AWS:SourceAccount": ACCOUNT},
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"},
    }
    call("RemovePermission", FunctionName="shared", StatementId="terraform-1")
    with pytest.raises(Refused) as refused:
        call("GetPolicy", FunctionName="shared")
    assert refused.value.code == "ResourceNotFoundException"
    assert refused.value.message == "The resource you requested does not exist."
    function.destroy(call)


def test_settings_beside_the_function_are_put_read_and_deleted(call: Driver) -> None:
    function = Stack("settings").function
    function.config["Publish"] = False
    function.create(call)
    name = {"FunctionName": "settings"}

    call("PutFunctionConcurrency", **name, ReservedConcurrentExecutions=5)
    shown = call("GetFunction", **name)["Concurrency"]
    assert shown == {"ReservedConcurrentExecutions": 5}
    call("DeleteFunctionConcurrency", **name)
    assert "Concurrency" not in call("GetFunction", **name)

    call("PutFunctionRecursionConfig", **name, RecursiveLoop="Allow")
    assert call("GetFunctionRecursionConfig", **name)["RecursiveLoop"] == "Allow"
    call("PutRuntimeManagementConfig", **name, UpdateRuntimeOn="FunctionUpdate")
    assert call("GetRuntimeManagementConfig", **name)["UpdateRuntimeOn"] == "FunctionUpdate"

    profile = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/prof/0123456789"
    publishers = {"SigningProfileVersionArns": [profile]}
    made = call("CreateCodeSigningConfig", AllowedPublishers=publishers)["CodeSigningConfig"]
    signing = {"CodeSigningConfigArn": made["CodeSigningConfigArn"]}
    call("PutFunctionCodeSigningConfig", **name, **signing)
    assert call("GetFunctionCodeSigningConfig", **name).items() >= signing.items()
    call("DeleteFunctionCodeSigningConfig", **name)
    assert "CodeSigningConfigArn" not in call("GetFunctionCodeSigningConfig", **name)
    call("DeleteCodeSigningConfig", **signing)
    function.destroy(call)


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("GetFunction", {"FunctionName": "none"}, "ResourceNotFoundException"),
        ("PublishVersion", {"FunctionName": "a b"}, "ValidationException"),
        (
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": archive("x")}},
            "InvalidParameterValueException",
        ),
    ],
)
def test_each_client_names_the_error(
    call: Driver, operation: str, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        call(operation, **members)
    assert refused.value.code == code
