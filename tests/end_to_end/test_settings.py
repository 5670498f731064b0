"""Settings by API that show in a running function, or have nothing to do with it here."""

import base64
import json
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest

from tests.api.lab import ROLE, archive
from tests.end_to_end.project_folder import RUNTIME
from tests.running_emulator import RunningEmulator, running_emulator
from tests.sandbox.conftest import needs_namespaces

TRACED = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("settings")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def create(functions: Any, name: str, source: str, **members: Any) -> Any:
    return functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": archive(app=source)},
        **members,
    )


def test_active_tracing_samples_each_request(functions: Any) -> None:
    create(functions, "traced", TRACED, TracingConfig={"Mode": "Active"})
    create(functions, "untraced", TRACED)
    header, log = traced_invoke(functions, "traced")
    members = dict(part.split("=", 1) for part in header.split(";"))
    assert members["Sampled"] == "1"
    xray = f"XRAY TraceId: {members['Root']}\tSegmentId: {members['Parent']}\tSampled: true\t"
    assert xray in log.split("\n")
    header, log = traced_invoke(functions, "untraced")
    assert "Sampled=0" in header
    assert "XRAY" not in log


def traced_invoke(functions: Any, name: str) -> tuple[str, str]:
    """The trace header that a function sees, and its log."""
    answer = functions.invoke(FunctionName=name, LogType="Tail")
    return json.load(answer["Payload"]), base64.b64decode(answer["LogResult"]).decode()


def test_subnets_and_groups_are_those_of_ec2(emulator: RunningEmulator, functions: Any) -> None:
    ec2 = emulator.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    config = {"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": [group]}
    made = create(functions, "attached", "handler = len", VpcConfig=config)
    assert made["VpcConfig"] == {
        **config,
        "VpcId": subnet["VpcId"],
        "Ipv6AllowedForDualStack": False,
    }
    emulator.wait_for_output("VpcConfig of attached: ")
    for changes in ({"SubnetIds": ["subnet-0"]}, {"SecurityGroupIds": ["sg-0"]}):
        with pytest.raises(functions.exceptions.InvalidParameterValueException) as refused:
            create(functions, "refused", "handler = len", VpcConfig=config | changes)
        assert "-0' does not exist" in str(refused.value)


def test_each_tenant_has_environments_of_its_own(emulator: RunningEmulator, functions: Any) -> None:
    source = """
        seen = []
        def handler(event, context):
            seen.append(context.tenant_id)
            return seen
    """
    create(
        functions,
        "tenants",
        dedent(source),
        TenancyConfig={"TenantIsolationMode": "PER_TENANT"},
    )

    def invoke(tenant: str, kind: str = "RequestResponse") -> Any:
        answer = functions.invoke(FunctionName="tenants", TenantId=tenant, InvocationType=kind)
        emulator.settle()
        return json.loads(answer["Payload"].read() or "null")

    assert invoke("blue") == ["blue"]
    assert invoke("green") == ["green"]
    invoke("blue", "Event")
    assert invoke("blue") == ["blue"] * 3
    with pytest.raises(functions.exceptions.InvalidParameterValueException):
        functions.invoke(FunctionName="tenants")


def test_a_function_on_managed_instances_runs_when_it_is_published(
    emulator: RunningEmulator, functions: Any
) -> None:
    ec2 = emulator.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = functions.create_capacity_provider(
        CapacityProviderName="fleet",
        VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": []},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": ROLE},
    )
    arn = made["CapacityProvider"]["CapacityProviderArn"]
    source = """
        import os
        NAMES = "INITIALIZATION_TYPE", "FUNCTION_VERSION", "MAX_CONCURRENCY"
        def handler(event, context):
            return [os.environ[f"AWS_LAMBDA_{name}"] for name in NAMES]
    """
    use = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}
    create(
        functions,
        "managed",
        dedent(source),
        CapacityProviderConfig=use,
        PublishTo="LATEST_PUBLISHED",
    )
    answer = json.load(functions.invoke(FunctionName="managed")["Payload"])
    assert answer == ["lambda-managed-instances", "$LATEST.PUBLISHED", "1"]
    emulator.wait_for_output("CapacityProviderConfig of managed: ")


@needs_namespaces
def test_functions_share_files_through_an_access_point(
    emulator: RunningEmulator, functions: Any
) -> None:
    efs = emulator.client("efs")
    system = efs.create_file_system(CreationToken="files")["FileSystemId"]
    made = efs.create_access_point(ClientToken="point", FileSystemId=system)
    configs = [{"Arn": made["AccessPointArn"], "LocalMountPath": "/mnt/files"}]
    sources = {
        "writer": "open('/mnt/files/note', 'w').write(event)",
        "reader": "open('/mnt/files/note').read()",
    }
    for name, source in sources.items():
        text = f"def handler(event, context):\n    return {source}\n"
        assert create(functions, name, text, FileSystemConfigs=configs)["FileSystemConfigs"]
    functions.invoke(FunctionName="writer", Payload=b'"hello"')
    assert json.load(functions.invoke(FunctionName="reader")["Payload"]) == "hello"
    emulator.reset()
    listing = "import os\ndef handler(*_):\n    return os.listdir('/mnt/files')\n"
    create(functions, "reader", listing, FileSystemConfigs=configs)
    assert json.load(functions.invoke(FunctionName="reader")["Payload"]) == []
