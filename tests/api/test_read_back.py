"""What a request sets is what a later one reads: else each plan of Terraform would show a drift."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from emulator.api.service_model import service_model
from emulator.control.unsupported import UNSUPPORTED
from tests.api.in_process import InProcess
from tests.api.lab import ACCOUNT, Lab
from tests.api.minimal_requests import MINIMAL, Made
from tests.api.test_service_model_requests import refusal
from tests.end_to_end.drivers.terraform import covers

KEY: Final = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/6c1b0000-0000-4000-8000-00000000000"
QUEUE: Final = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
ONCE: Final = None  # as a second value: it cannot be changed


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How one kind of resource is made, changed and read."""

    create: str
    read: str
    update: str
    names: tuple[str, ...]
    members: Mapping[str, tuple[Any, Any]]  # the value at first, and the one after a change
    not_shown: frozenset[str] = frozenset()  # members that no answer of `read` has
    inside: str = ""  # member of both answers that holds the others
    base: Callable[[Made], Mapping[str, Any]] | None = None  # where the least request is too little


FUNCTION = Kind(
    create="CreateFunction",
    read="GetFunctionConfiguration",
    update="UpdateFunctionConfiguration",
    names=("FunctionName",),
    not_shown=frozenset(
        (*("Code", "CodeSigningConfigArn", "ImageConfig", "Publish", "PublishTo", "Tags"),)
    ),
    members={
        "AcceleratorConfig": ({"AcceleratorMemorySize": 1}, {"AcceleratorMemorySize": 2}),
        "Architectures": (["arm64"], ONCE),
        "DeadLetterConfig": ({"TargetArn": f"{QUEUE}a"}, {"TargetArn": f"{QUEUE}b"}),
        "Description": ("one", "two"),
        "DurableConfig": (
            {"ExecutionTimeout": 60, "RetentionPeriodInDays": 2},
            {"ExecutionTimeout": 90, "RetentionPeriodInDays": 3},
        ),
        "Environment": ({"Variables": {"AA": "1"}}, {"Variables": {"BB": "2"}}),
        "EphemeralStorage": ({"Size": 600}, {"Size": 700}),
        "FunctionName": ("f", ONCE),
        "Handler": ("a.b", "c.d"),
        "KMSKeyArn": (f"{KEY}1", f"{KEY}2"),
        "LoggingConfig": (
            {
                "LogFormat": "JSON",
                "ApplicationLogLevel": "DEBUG",
                "SystemLogLevel": "WARN",
                "LogGroup": "/one",
            },
            {"LogFormat": "Text", "LogGroup": "/two"},
        ),
        "MemorySize": (256, 512),
        "PackageType": ("Zip", ONCE),
        "Role": (f"arn:aws:iam::{ACCOUNT}:role/one", f"arn:aws:iam::{ACCOUNT}:role/two"),
        "Runtime": ("python3.12", "python3.13"),
        "SnapStart": ({"ApplyOn": "PublishedVersions"}, {"ApplyOn": "None"}),
        "TenancyConfig": ({"TenantIsolationMode": "PER_TENANT"}, ONCE),
        "Timeout": (10, 20),
        "TracingConfig": ({"Mode": "Active"}, {"Mode": "PassThrough"}),
        "VpcConfig": (
            {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            {"SubnetIds": [], "SecurityGroupIds": []},
        ),
    },
)
# They need something else that has to be there first; other tests read them back.
ELSEWHERE: Final = frozenset(
    (
        *("CapacityProviderConfig", "EventSourceArn", "FileSystemConfigs", "Layers"),
        "RuntimeConfig",
    )
)

MAPPING_NOT_SHOWN: Final = frozenset({"Enabled", "FunctionName", "KMSKeyArn", "Tags"})
NO_SOURCE_HERE: Final = frozenset(  # of Kafka, MQ and DocumentDB, which are not built
    (
        *("AmazonManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig", "LoggingConfig"),
        *("Queues", "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"),
        *("SourceAccessConfigurations", "Topics"),
    )
)
OF_STREAMS: Final[Mapping[str, tuple[Any, Any]]] = {
    "BisectBatchOnFunctionError": (True, False),
    "DestinationConfig": (
        {"OnFailure": {"Destination": f"{QUEUE}a"}},
        {"OnFailure": {"Destination": f"{QUEUE}b"}},
    ),
    "MaximumRecordAgeInSeconds": (60, 90),
    "MaximumRetryAttempts": (3, 0),
    "ParallelizationFactor": (2, 3),
    "StartingPosition": ("TRIM_HORIZON", ONCE),
    "StartingPositionTimestamp": (datetime(2026, 11, 22, tzinfo=UTC), ONCE),
    "TumblingWindowInSeconds": (30, 0),
}
OF_ALL_SOURCES: Final[Mapping[str, tuple[Any, Any]]] = {
    "BatchSize": (5, 7),
    "FilterCriteria": (
        {"Filters": [{"Pattern": '{"body": [1]}'}]},
        {"Filters": [{"Pattern": '{"body": [2]}'}]},
    ),
    "FunctionResponseTypes": (["ReportBatchItemFailures"], []),
    "MaximumBatchingWindowInSeconds": (2, 1),
    "MetricsConfig": ({"Metrics": ["EventCount"]}, ONCE),
}
OF_QUEUES: Final[Mapping[str, tuple[Any, Any]]] = {
    "ProvisionedPollerConfig": (
        {"MinimumPollers": 2, "MaximumPollers": 3},
        {"MinimumPollers": 3, "MaximumPollers": 4},
    ),
    "ScalingConfig": ({"MaximumConcurrency": 2}, {"MaximumConcurrency": 3}),
}


def of_a_stream(made: Made) -> Mapping[str, Any]:
    return {**made.function, "EventSourceArn": made.stream, "StartingPosition": "LATEST"}


def mapping(
    members: Mapping[str, tuple[Any, Any]], base: Callable[[Made], Mapping[str, Any]] | None
) -> Kind:
    return Kind(
        create="CreateEventSourceMapping",
        read="GetEventSourceMapping",
        update="UpdateEventSourceMapping",
        names=("UUID",),
        members={**OF_ALL_SOURCES, **members},
        not_shown=MAPPING_NOT_SHOWN,
        base=base,
    )


CORS: Final = (
    {
        "AllowCredentials": True,
        "AllowHeaders": ["x-one"],
        "AllowMethods": ["GET"],
        "AllowOrigins": ["https://a.example"],
        "ExposeHeaders": ["x-two"],
        "MaxAge": 60,
    },
    {"AllowOrigins": ["*"]},
)
KINDS: Final[Mapping[str, Kind]] = {
    "function": FUNCTION,
    "mapping of a queue": mapping(OF_QUEUES, None),
    "mapping of a stream": mapping(OF_STREAMS, of_a_stream),
    "alias": Kind(
        create="CreateAlias",
        read="GetAlias",
        update="UpdateAlias",
        names=("FunctionName", "Name"),
        not_shown=frozenset({"FunctionName"}),
        members={
            "Description": ("one", "two"),
            "FunctionVersion": ("1", "$LATEST"),
            "Name": ("live", ONCE),
            "RoutingConfig": ({"AdditionalVersionWeights": {"2": 0.25}}, ONCE),
        },
    ),
    "function URL": Kind(
        create="CreateFunctionUrlConfig",
        read="GetFunctionUrlConfig",
        update="UpdateFunctionUrlConfig",
        names=("FunctionName",),
        not_shown=frozenset({"FunctionName", "Qualifier"}),
        members={
            "AuthType": ("AWS_IAM", "NONE"),
            "Cors": CORS,
            "InvokeMode": ("RESPONSE_STREAM", "BUFFERED"),
        },
    ),
    "event invoke config": Kind(
        create="PutFunctionEventInvokeConfig",
        read="GetFunctionEventInvokeConfig",
        update="UpdateFunctionEventInvokeConfig",
        names=("FunctionName",),
        not_shown=frozenset({"FunctionName", "Qualifier"}),
        members={
            "DestinationConfig": (
                {"OnSuccess": {"Destination": f"{QUEUE}a"}},
                {"OnFailure": {"Destination": f"{QUEUE}b"}},
            ),
            "MaximumEventAgeInSeconds": (60, 90),
            "MaximumRetryAttempts": (1, 0),
        },
    ),
    "layer": Kind(
        create="PublishLayerVersion",
        read="GetLayerVersion",
        update="",
        names=("LayerName", "VersionNumber"),
        not_shown=frozenset({"LayerName", "Content"}),
        members={
            "CompatibleArchitectures": (["arm64"], ONCE),
            "CompatibleRuntimes": (["python3.12", "nodejs22.x"], ONCE),
            "Description": ("one", ONCE),
            "LicenseInfo": ("MIT", ONCE),
        },
    ),
    "code signing config": Kind(
        create="CreateCodeSigningConfig",
        read="GetCodeSigningConfig",
        update="UpdateCodeSigningConfig",
        names=("CodeSigningConfigArn",),
        not_shown=frozenset({"Tags", "AllowedPublishers"}),
        inside="CodeSigningConfig",
        members={
            "CodeSigningPolicies": (
                {"UntrustedArtifactOnDeployment": "Enforce"},
                {"UntrustedArtifactOnDeployment": "Warn"},
            ),
            "Description": ("one", "two"),
        },
    ),
    "runtime management": Kind(
        create="PutRuntimeManagementConfig",
        read="GetRuntimeManagementConfig",
        update="PutRuntimeManagementConfig",
        names=("FunctionName",),
        not_shown=frozenset({"FunctionName", "Qualifier", "RuntimeVersionArn"}),
        members={"UpdateRuntimeOn": ("FunctionUpdate", "Auto")},
    ),
    "recursion": Kind(
        create="PutFunctionRecursionConfig",
        read="GetFunctionRecursionConfig",
        update="PutFunctionRecursionConfig",
        names=("FunctionName",),
        not_shown=frozenset({"FunctionName"}),
        members={"RecursiveLoop": ("Allow", "Terminate")},
    ),
}
ROWS: Final = [(name, member) for name, kind in KINDS.items() for member in kind.members]


@pytest.mark.parametrize("name", KINDS)
def test_each_member_of_a_request_has_a_value_here(name: str) -> None:
    kind = KINDS[name]
    shape = service_model().operation_model(kind.create).input_shape
    assert shape is not None
    known = {*kind.members, *kind.not_shown, *UNSUPPORTED, *ELSEWHERE}
    if name.startswith("mapping"):
        known |= {*OF_QUEUES, *OF_STREAMS, *NO_SOURCE_HERE}
    assert sorted(set(shape.members) - known) == []


@pytest.fixture(scope="module")
def api(shared_lab: Lab) -> InProcess:
    return InProcess(shared_lab.wsgi, ACCOUNT)


@pytest.mark.parametrize(("name", "member"), ROWS)
def test_what_was_sent_is_read(shared_lab: Lab, api: InProcess, name: str, member: str) -> None:
    kind = KINDS[name]
    api.account = f"{ROWS.index((name, member)) + 1:012}"
    made = Made(shared_lab, api)
    first, second = kind.members[member]
    if name == "alias":
        assert made.version["Qualifier"] == "1"
        api.call("UpdateFunctionConfiguration", {**made.function, "Description": "more"})
        api.call("PublishVersion", made.function)
    base = dict((kind.base or MINIMAL[kind.create])(made))
    if member == "StartingPositionTimestamp":
        base["StartingPosition"] = "AT_TIMESTAMP"
    request = {**base, member: first}
    if member in UNSUPPORTED:
        refused = refusal(api, kind.create, request)
        assert refused is not None
        assert refused[:2] == (501, "NotImplemented")
        pytest.skip("not built yet")

    answer = api.call(kind.create, request)
    inside = answer.get(kind.inside, {})
    known = {**base, **answer, **inside, "VersionNumber": answer.get("Version")}
    names = {key: known[key] for key in kind.names}

    assert covers(read(api, kind, names)[member], first)
    if second is ONCE:
        return
    api.call(kind.update, {**names, member: second})
    assert covers(read(api, kind, names)[member], second)
    others = {key: value for key, value in base.items() if key in {"UpdateRuntimeOn"}}
    api.call(kind.update, {**others, **names, **untouched(kind, member)})
    assert covers(read(api, kind, names)[member], second)


def read(api: InProcess, kind: Kind, names: Mapping[str, Any]) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = api.call(kind.read, dict(names))
    return answer[kind.inside] if kind.inside else answer


def untouched(kind: Kind, member: str) -> dict[str, Any]:
    """A change of another member, which leaves this one as it is."""
    changes = {
        key: second for key, (_, second) in kind.members.items() if second is not ONCE
    } or kind.members
    other = next((key for key in changes if key != member), member)
    return {other: kind.members[other][1]}
