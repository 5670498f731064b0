"""Settings of a function that are shown as they were given, whatever they can do here."""

from typing import Any

import pytest

from emulator.model.mapping import SourceDescription
from tests.api.function_answers import Create, refusal
from tests.api.lab import ACCOUNT, Lab, archive

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
VPC = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
POINT = f"arn:aws:elasticfilesystem:us-east-1:{ACCOUNT}:access-point/fsap-0123456789abcdef0"
MOUNTS = [{"Arn": POINT, "LocalMountPath": "/mnt/shared"}]
NO_VPC = {
    "SubnetIds": [],
    "SecurityGroupIds": [],
    "VpcId": "",
    "Ipv6AllowedForDualStack": False,
}
SHOWN: dict[str, tuple[Any, Any]] = {  # member: what is given, what is shown
    "VpcConfig": (VPC, {**VPC, "VpcId": "vpc-1", "Ipv6AllowedForDualStack": False}),
    "TracingConfig": ({"Mode": "Active"}, {"Mode": "Active"}),
    "KMSKeyArn": (KEY, KEY),
    "FileSystemConfigs": (MOUNTS, MOUNTS),
    "AcceleratorConfig": ({"AcceleratorMemorySize": 16}, {"AcceleratorMemorySize": 16}),
}
CLEARED: dict[str, tuple[Any, Any]] = {
    "VpcConfig": ({"SubnetIds": [], "SecurityGroupIds": []}, NO_VPC),
    "TracingConfig": ({"Mode": "PassThrough"}, {"Mode": "PassThrough"}),
    "KMSKeyArn": ("", None),
    "FileSystemConfigs": ([], None),
}


@pytest.mark.parametrize("member", SHOWN)
def test_what_is_given_is_what_is_read_back(create: Create, client: Any, member: str) -> None:
    given, shown = SHOWN[member]
    assert create("made", **{member: given})[member] == shown
    create("updated")
    client.update_function_configuration(FunctionName="updated", **{member: given})
    for name in ("made", "updated"):
        found = client.get_function(FunctionName=name)["Configuration"]
        assert found[member] == shown
        client.update_function_configuration(FunctionName=name, Description="another")
        assert client.get_function_configuration(FunctionName=name)[member] == shown


@pytest.mark.parametrize("member", CLEARED)
def test_a_setting_can_be_taken_back(create: Create, client: Any, member: str) -> None:
    create(**{member: SHOWN[member][0]})
    given, shown = CLEARED[member]
    client.update_function_configuration(FunctionName="hello", **{member: given})
    assert client.get_function_configuration(FunctionName="hello").get(member) == shown


def test_a_version_keeps_its_settings(create: Create, client: Any) -> None:
    create(Publish=True, **{member: given for member, (given, _) in SHOWN.items()})
    client.update_function_configuration(
        FunctionName="hello", **{member: given for member, (given, _) in CLEARED.items()}
    )
    found = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert {member: found[member] for member in SHOWN} == {
        member: shown for member, (_, shown) in SHOWN.items()
    }


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            {**VPC, "SubnetIds": ["subnet-1", "subnet-9"]},
            "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2"
            " Error Message: The subnet ID 'subnet-9' does not exist",
        ),
        (
            {**VPC, "SecurityGroupIds": ["sg-9"]},
            "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound."
            " EC2 Error Message: The security group 'sg-9' does not exist",
        ),
        (
            {"SubnetIds": ["subnet-1"]},
            "SubnetIds and SecurityIds must coexist or be both empty list.",
        ),
    ],
)
def test_a_network_that_ec2_does_not_know_is_refused(
    create: Create, client: Any, config: dict[str, Any], text: str
) -> None:
    expected = (400, "InvalidParameterValueException", text)
    assert refusal(create, VpcConfig=config) == expected
    assert client.list_functions()["Functions"] == []
    create()
    update = client.update_function_configuration
    assert refusal(update, FunctionName="hello", VpcConfig=config) == expected


def test_a_setting_without_effect_is_told_once(create: Create, client: Any, lab: Lab) -> None:
    create("plain")
    assert lab.told == []
    create("first", VpcConfig=VPC)
    create("second", VpcConfig=VPC, KMSKeyArn=KEY)
    client.update_function_configuration(FunctionName="plain", KMSKeyArn=KEY, VpcConfig=VPC)
    assert [text.partition(": ")[0] for text in lab.told] == [
        "VpcConfig of first",
        "KMSKeyArn of second",
    ]


def test_the_key_of_a_package_goes_with_the_package(create: Create, client: Any) -> None:
    create(Code={"ZipFile": archive(), "SourceKMSKeyArn": KEY})
    assert client.get_function(FunctionName="hello")["Code"]["SourceKMSKeyArn"] == KEY
    client.update_function_configuration(FunctionName="hello", Description="another")
    assert client.get_function(FunctionName="hello")["Code"]["SourceKMSKeyArn"] == KEY
    client.update_function_code(FunctionName="hello", ZipFile=archive())
    assert "SourceKMSKeyArn" not in client.get_function(FunctionName="hello")["Code"]


def test_code_by_reference_shows_its_object(create: Create, client: Any, lab: Lab) -> None:
    lab.objects["code", "app.zip"] = archive()
    place = {"S3Bucket": "code", "S3Key": "app.zip"}
    create(Code={**place, "S3ObjectStorageMode": "REFERENCE"})
    assert client.get_function(FunctionName="hello")["Code"]["ResolvedS3Object"] == place
    made = client.publish_layer_version(
        LayerName="tools", Content={**place, "S3ObjectStorageMode": "REFERENCE"}
    )
    assert made["Content"]["ResolvedS3Object"] == place
    client.update_function_code(FunctionName="hello", **place, S3ObjectStorageMode="COPY")
    assert "ResolvedS3Object" not in client.get_function(FunctionName="hello")["Code"]
    refused = refusal(create, Code={"ZipFile": archive(), "S3ObjectStorageMode": "REFERENCE"})
    assert refused[:2] == (400, "InvalidParameterValueException")


TENANCY = {"TenantIsolationMode": "PER_TENANT"}


def test_tenant_isolation_stays_as_the_function_was_made(create: Create, client: Any) -> None:
    assert create(TenancyConfig=TENANCY)["TenancyConfig"] == TENANCY
    client.update_function_configuration(FunctionName="hello", Description="another")
    found = client.get_function_configuration(FunctionName="hello")
    assert found["TenancyConfig"] == TENANCY
    assert "TenancyConfig" not in create("other")


def test_isolated_tenants_are_served_by_invocations_only(
    create: Create, client: Any, lab: Lab
) -> None:
    create(TenancyConfig=TENANCY, Publish=True)
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
    lab.sources[queue] = SourceDescription()
    calls: list[tuple[Any, dict[str, Any]]] = [
        (client.create_function_url_config, {"AuthType": "NONE"}),
        (client.create_event_source_mapping, {"EventSourceArn": queue}),
        (
            client.put_provisioned_concurrency_config,
            {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1},
        ),
    ]
    for call, request in calls:
        refused = refusal(call, FunctionName="hello", **request)
        assert refused[:2] == (400, "InvalidParameterValueException")
        assert "tenant isolation" in refused[2]


def test_only_access_points_of_efs_are_mounted(create: Create) -> None:
    digits = "0" * 17
    system = f"arn:aws:s3files:us-east-1:{ACCOUNT}:file-system/fs-{digits}"
    config = {"Arn": f"{system}/access-point/fsap-{digits}", "LocalMountPath": "/mnt/s3"}
    status, code, text = refusal(create, FileSystemConfigs=[config])
    assert (status, code) == (501, "NotImplemented")
    assert "S3 Files" in text
    direct = {**MOUNTS[0], "S3FilesConfig": {"DirectS3Read": "AUTO"}}
    refused = refusal(create, FileSystemConfigs=[direct])
    assert refused[:2] == (400, "InvalidParameterValueException")
