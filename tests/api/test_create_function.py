"""CreateFunction: what it takes, what it refuses, and what a new function is like."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.function_answers import ARN, UUID, Create, refusal, shown
from tests.api.lab import ACCOUNT, ROLE, Lab, archive


def test_create_answers_with_the_whole_configuration(create: Create) -> None:
    answer = create()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    configuration = shown(answer)
    assert UUID.fullmatch(configuration.pop("RevisionId"))
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", configuration.pop("LastModified")
    )
    assert re.fullmatch(
        r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}",
        configuration.pop("RuntimeVersionConfig")["RuntimeVersionArn"],
    )
    code = archive()
    assert configuration == {
        "FunctionName": "hello",
        "FunctionArn": ARN,
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(code),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"},
    }


def test_create_shows_every_setting_that_was_given(create: Create) -> None:
    answer = create(
        Description="Says hello",
        Timeout=900,
        MemorySize=10240,
        Environment={"Variables": {"KEY": "value"}},
        EphemeralStorage={"Size": 10240},
        Architectures=["arm64"],
        LoggingConfig={"LogFormat": "Text", "LogGroup": "/my/group"},
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        TracingConfig={"Mode": "PassThrough"},
        SnapStart={"ApplyOn": "None"},
        Layers=[],
    )
    assert answer["Description"] == "Says hello"
    assert (answer["Timeout"], answer["MemorySize"]) == (900, 10240)
    assert answer["Environment"] == {"Variables": {"KEY": "value"}}
    assert answer["EphemeralStorage"] == {"Size": 10240}
    assert answer["Architectures"] == ["arm64"]
    assert answer["LoggingConfig"]["LogGroup"] == "/my/group"


def test_a_new_function_is_active_at_the_first_look(client: Any, create: Create) -> None:
    created = create()
    waiter = client.get_waiter("function_active_v2")
    waiter.wait(FunctionName="hello", WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    found = client.get_function_configuration(FunctionName="hello")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in found
    assert found["RevisionId"] != created["RevisionId"]


def test_immediate_states_never_show_pending_or_in_progress(make_lab: Any) -> None:
    client = make_lab(immediate_states=True).client()
    created = client.create_function(
        FunctionName="hello",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": archive()},
    )
    updated = client.update_function_configuration(FunctionName="hello", Timeout=4)
    for answer in (created, updated):
        assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "Successful")


def test_a_transition_that_takes_time_refuses_updates_until_it_is_over(make_lab: Any) -> None:
    lab = make_lab(transition_s=60.0)
    client = lab.client()
    client.create_function(
        FunctionName="hello",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": archive()},
    )
    text = "The operation cannot be performed at this time. "
    assert refusal(client.update_function_configuration, FunctionName="hello", Timeout=4) == (
        409,
        "ResourceConflictException",
        text + "The function is currently in the following state: Pending",
    )
    lab.clock.advance(61)
    updated = client.update_function_configuration(FunctionName="hello", Timeout=4)
    assert updated["LastUpdateStatus"] == "InProgress"
    assert updated["LastUpdateStatusReasonCode"] == "Creating"
    assert updated["State"] == "Active"
    assert refusal(
        client.update_function_code, FunctionName="hello", ZipFile=archive(app="new")
    ) == (
        409,
        "ResourceConflictException",
        text + f"An update is in progress for resource: {ARN}",
    )
    lab.clock.advance(61)
    waiter = client.get_waiter("function_updated_v2")
    waiter.wait(FunctionName="hello", WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    assert "LastUpdateStatusReason" not in client.get_function_configuration(FunctionName="hello")


def test_create_refuses_a_name_that_is_taken(create: Create, client: Any) -> None:
    create()
    with pytest.raises(client.exceptions.ResourceConflictException) as caught:
        create()
    assert caught.value.response["Error"]["Message"] == "Function already exist: hello"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert caught.value.response["Type"] == "User"


BIG = {"K" * 10: "v" * 4090}
RESERVED = (
    "Lambda was unable to configure your environment variables because the environment variables"
    " you have provided contains reserved keys that are currently not supported for modification."
    " Reserved keys used in this request: AWS_REGION"
)
TOO_MUCH = (
    "Lambda was unable to configure your environment variables because the environment variables"
    ' you have provided exceeded the 4KB limit. String measured: {"KKKKKKKKKK":"v'
)
LAYER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:tools"

INVALID_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"Runtime": None}, "Runtime and Handler are mandatory parameters for functions created with"),
    ({"Handler": None}, "Runtime and Handler are mandatory parameters for functions created with"),
    (
        {"Runtime": "python3.7"},
        "The runtime parameter of python3.7 is no longer supported for creating or updating AWS"
        " Lambda functions. We recommend you use a supported runtime while creating or updating"
        " functions.",
    ),
    (
        {"Runtime": "cobol"},
        "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value"
        " set: [",
    ),
    ({"Code": {}}, "Please provide a source for function code."),
    (
        {"Code": {"ZipFile": b"no zip"}},
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    ),
    ({"Code": {"ZipFile": b""}}, "Uploaded file must be a non-empty zip"),
    (
        {"Code": {"S3Bucket": "nowhere", "S3Key": "code.zip"}},
        "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The"
        " specified bucket does not exist",
    ),
    (
        {"Code": {"S3Bucket": "hot-reload", "S3Key": "relative/path"}},
        "With S3Bucket=hot-reload, S3Key must be the absolute path of a folder, not relative/path.",
    ),
    (
        {"Code": {"S3Bucket": "hot-reload", "S3Key": "/no/such/folder"}},
        "The code folder /no/such/folder does not exist or is not a folder.",
    ),
    ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, RESERVED),
    ({"Environment": {"Variables": BIG}}, TOO_MUCH),
    ({"Layers": [f"{LAYER}{n}:1" for n in range(6)]}, "Cannot reference more than 5 layers."),
    ({"Layers": [f"{LAYER}:1"]}, f"Layer version {LAYER}:1 does not exist."),
    (
        {"Layers": [f"{LAYER}:1", f"{LAYER}:2"]},
        "Two different versions of the same layer are not allowed to be referenced in the same"
        f" function. {LAYER}:1 and {LAYER}:2 are versions of the same layer.",
    ),
    (
        {"Layers": [f"{LAYER.replace('us-east-1', 'eu-west-1')}:1"]},
        "Layers are not in the same region as the function. Layers are expected to be in region"
        " us-east-1.",
    ),
    ({"Tags": {f"k{n}": "v" for n in range(51)}}, "Number of tags exceeds resource tag limit."),
    (
        {"FunctionName": "n" * 65},
        f"1 validation error detected: Value '{'n' * 65}' at 'functionName' failed to satisfy"
        " constraint: Member must have length less than or equal to 64",
    ),
    (
        {"LoggingConfig": {"LogFormat": "Text", "ApplicationLogLevel": "INFO"}},
        "Log levels can be set only with LogFormat JSON.",
    ),
]


@pytest.mark.parametrize(("members", "text"), INVALID_VALUES)
def test_create_refuses_values_that_mean_nothing(
    create: Create, members: dict[str, Any], text: str
) -> None:
    status, code, message = refusal(create, **members)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.startswith(text)


VIOLATIONS: list[tuple[dict[str, Any], str]] = [
    ({"Role": None}, "Value null at 'role' failed to satisfy constraint: Member must not be null"),
    (
        {"Role": "role"},
        "Value 'role' at 'role' failed to satisfy constraint: Member must satisfy regular"
        r" expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
    ),
    (
        {"Timeout": 1200},
        "Value '1200' at 'timeout' failed to satisfy constraint: Member must have value less than"
        " or equal to 900",
    ),
    (
        {"Timeout": 0},
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than"
        " or equal to 1",
    ),
    (
        {"MemorySize": 127},
        "Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater"
        " than or equal to 128",
    ),
    (
        {"EphemeralStorage": {"Size": 10241}},
        "Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have"
        " value less than or equal to 10240",
    ),
    (
        {"Handler": "h" * 129},
        f"Value '{'h' * 129}' at 'handler' failed to satisfy constraint: Member must have length"
        " less than or equal to 128",
    ),
    (
        {"Handler": "app handler"},
        "Value 'app handler' at 'handler' failed to satisfy constraint: Member must satisfy"
        r" regular expression pattern: [^\s]+",
    ),
    (
        {"Architectures": ["x86_64", "arm64"]},
        "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have"
        " length less than or equal to 1",
    ),
    (
        {"Architectures": ["X86_64"]},
        "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy"
        " constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be"
        " null]",
    ),
    (
        {"SnapStart": {"ApplyOn": "Always"}},
        "Value 'Always' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy"
        " enum value set: [PublishedVersions, None]",
    ),
    (
        {"Environment": {"Variables": {"1KEY": "x"}}},
        "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy"
        " constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+,"
        " Member must not be null]",
    ),
    (
        {"FunctionName": "n" * 141},
        f"Value '{'n' * 141}' at 'functionName' failed to satisfy constraint: Member must have"
        " length less than or equal to 140",
    ),
    (
        {"Layers": [LAYER]},
        f"Value '[{LAYER}]' at 'layers' failed to satisfy constraint: Member must satisfy"
        " constraint: [Member must have length less than or equal to 2048, Member must have length"
        " greater than or equal to 1, Member must satisfy regular expression pattern: ",
    ),
]


@pytest.mark.parametrize(("members", "text"), VIOLATIONS)
def test_create_refuses_values_against_the_service_model(
    create: Create, members: dict[str, Any], text: str
) -> None:
    status, code, message = refusal(create, **members)
    assert (status, code) == (400, "ValidationException")
    assert message.startswith(f"1 validation error detected: {text}")


def test_several_violations_are_counted_and_joined(create: Create) -> None:
    _, _, message = refusal(create, Role=None, Timeout=0)
    assert message == (
        "2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member"
        " must not be null; Value '0' at 'timeout' failed to satisfy constraint: Member must have"
        " value greater than or equal to 1"
    )


def test_too_much_memory_is_refused_in_a_form_of_its_own(create: Create) -> None:
    assert refusal(create, MemorySize=10241) == (
        400,
        "ValidationException",
        "'MemorySize' value failed to satisfy constraint: Member must have value less than or"
        " equal to 10240",
    )


RUNTIME_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:runtime/our-own"
UNSUPPORTED: list[dict[str, Any]] = [
    {"RuntimeConfig": {"RuntimeArn": RUNTIME_ARN, "RuntimeAlias": "live"}},
]


@pytest.mark.parametrize("members", UNSUPPORTED)
def test_a_setting_that_cannot_be_honoured_is_refused_by_name(
    create: Create, client: Any, members: dict[str, Any]
) -> None:
    status, code, message = refusal(create, **members)
    assert (status, code) == (501, "NotImplemented")
    assert next(iter(members)) in message
    assert client.list_functions()["Functions"] == []


def test_an_archive_over_50_mb_is_refused(create: Create) -> None:
    assert refusal(create, Code={"ZipFile": bytes(52_428_801)}) == (
        413,
        "RequestEntityTooLargeException",
        "Zipped size must be smaller than 52428800 bytes",
    )


def test_a_request_over_its_limit_is_refused(create: Create) -> None:
    assert refusal(create, Code={"ZipFile": bytes(53_000_000)}) == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
    )


def test_code_comes_from_s3(lab: Lab, create: Create, client: Any) -> None:
    lab.objects["deploys", "code.zip"] = archive(app="from s3")
    answer = create(Code={"S3Bucket": "deploys", "S3Key": "code.zip"})
    assert answer["CodeSize"] == len(archive(app="from s3"))
    assert refusal(
        client.update_function_code, FunctionName="hello", S3Bucket="deploys", S3Key="other.zip"
    ) == (
        400,
        "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified"
        " key does not exist.",
    )


def test_a_hot_reload_function_runs_from_the_developers_folder(
    lab: Lab, create: Create, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "app.py").write_text("old")
    create(Code={"S3Bucket": "hot-reload", "S3Key": str(source)})
    code = lab.store.resolve(ACCOUNT, "us-east-1", "hello", None).version.code
    assert (code.folder, code.is_live) == (source, True)


def test_null_members_count_as_absent(lab: Lab, client: Any) -> None:
    body = {
        "FunctionName": "hello",
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": {"ZipFile": base64.b64encode(archive()).decode(), "S3Bucket": None},
        "Timeout": None,
        "Environment": {"Variables": None},
    }
    status, _, answer = lab.http("POST", "/2015-03-31/functions", json.dumps(body).encode())
    assert status == 201
    assert json.loads(answer)["Timeout"] == 3


def test_a_violation_has_no_type(lab: Lab) -> None:
    _, _, body = lab.http("GET", "/2015-03-31/functions/a%20b")
    assert list(json.loads(body)) == ["message"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "Could not parse request body into json"),
        (b'{"Timeout": "30"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"Timeout": true}', "BOOLEAN_VALUE can not be converted to an Integer"),
        (b'{"Handler": 1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Layers": {}}', "START_OBJECT can not be converted to a List"),
        (b'{"Environment": []}', "START_ARRAY can not be converted to a Structure"),
        (b'{"Code": {"ZipFile": "?"}}', "A blob is not valid base64"),
        (b"[]", "START_ARRAY can not be converted to a Structure"),
    ],
)
def test_a_body_of_wrong_types_cannot_be_read(lab: Lab, body: bytes, text: str) -> None:
    status, headers, answer = lab.http("POST", "/2015-03-31/functions/", body)
    assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")
    assert list(json.loads(answer)) == ["Message"]
    assert json.loads(answer)["Message"].startswith(text)
