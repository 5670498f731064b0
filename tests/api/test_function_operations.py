"""CreateFunction and its neighbours, as boto3 sees them."""

import base64
import hashlib
import io
import json
import re
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT, ROLE, Lab, archive

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

Create = Callable[..., Any]


def refusal(call: Callable[..., Any], **request: Any) -> tuple[int, str, str]:
    """Status, code and text of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


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


def test_the_code_of_a_function_can_be_downloaded(lab: Lab, create: Create, client: Any) -> None:
    create(Tags={"team": "blue"})
    answer = client.get_function(FunctionName="hello")
    assert answer["Tags"] == {"team": "blue"}
    assert answer["Code"]["RepositoryType"] == "S3"
    start, _, token = answer["Code"]["Location"].rpartition("/")
    assert start == f"{lab.endpoint}/_emulator/code"
    assert lab.code.archive_for(token) == archive()


def test_a_live_folder_is_zipped_when_it_is_downloaded(
    lab: Lab, create: Create, client: Any, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    create(Code={"S3Bucket": "hot-reload", "S3Key": str(source)})
    (source / "app.py").write_text("written later")
    token = client.get_function(FunctionName="hello")["Code"]["Location"].rpartition("/")[2]
    content = lab.code.archive_for(token)
    assert content is not None
    with zipfile.ZipFile(io.BytesIO(content)) as downloaded:
        assert downloaded.read("app.py") == b"written later"


def test_get_function_leaves_out_tags_when_there_are_none(create: Create, client: Any) -> None:
    create()
    assert "Tags" not in client.get_function(FunctionName="hello")


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("hello", ARN),
        (f"{ACCOUNT}:function:hello", ARN),
        (ARN, ARN),
        ("hello:$LATEST", f"{ARN}:$LATEST"),
        (f"{ARN}:$LATEST", f"{ARN}:$LATEST"),
    ],
)
def test_a_function_is_found_by_every_form_of_its_name(
    create: Create, client: Any, name: str, arn: str
) -> None:
    create()
    assert client.get_function_configuration(FunctionName=name)["FunctionArn"] == arn


def test_an_unknown_function_is_named_by_its_arn(client: Any) -> None:
    missing = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:missing"
    for call, request in (
        (client.get_function, {}),
        (client.get_function_configuration, {}),
        (client.update_function_code, {"ZipFile": archive()}),
        (client.update_function_configuration, {"Timeout": 4}),
        (client.delete_function, {}),
        (client.publish_version, {}),
        (client.list_versions_by_function, {}),
    ):
        assert refusal(call, FunctionName="missing", **request) == (
            404,
            "ResourceNotFoundException",
            f"Function not found: {missing}",
        )
    assert refusal(client.get_function, FunctionName="missing", Qualifier="7") == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {missing}:7",
    )


def test_qualifiers_that_differ_are_refused(create: Create, client: Any) -> None:
    create()
    assert refusal(client.get_function, FunctionName="hello:1", Qualifier="2") == (
        400,
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


def test_functions_of_another_region_are_out_of_reach(create: Create, client: Any) -> None:
    create()
    arn = ARN.replace("us-east-1", "us-west-2")
    assert refusal(client.get_function, FunctionName=arn) == (
        404,
        "ResourceNotFoundException",
        "Functions from 'us-west-2' are not reachable in this region ('us-east-1')",
    )


def test_accounts_and_regions_do_not_see_each_others_functions(lab: Lab, create: Create) -> None:
    create()
    assert lab.client(region="eu-west-1").list_functions()["Functions"] == []
    other = lab.client(account="111111111111")
    assert other.list_functions()["Functions"] == []
    status, code, _ = refusal(other.get_function, FunctionName=ARN)
    assert (status, code) == (403, "AccessDeniedException")


def test_update_code_replaces_it_and_tells_that_it_is_in_progress(
    create: Create, client: Any
) -> None:
    before = create()
    answer = client.update_function_code(
        FunctionName="hello", ZipFile=archive(app="new"), Architectures=["arm64"]
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["LastUpdateStatus"] == "InProgress"
    assert answer["LastUpdateStatusReason"] == "The function is being created."
    assert answer["CodeSha256"] != before["CodeSha256"]
    assert answer["RevisionId"] != before["RevisionId"]
    after = client.get_function_configuration(FunctionName="hello")
    assert after["LastUpdateStatus"] == "Successful"
    assert after["Architectures"] == ["arm64"]
    assert after["CodeSha256"] == answer["CodeSha256"]


def test_update_code_as_a_dry_run_changes_nothing(create: Create, client: Any) -> None:
    create()
    before = client.get_function_configuration(FunctionName="hello")
    answer = client.update_function_code(
        FunctionName="hello", ZipFile=archive(app="new"), DryRun=True
    )
    assert answer["CodeSha256"] != before["CodeSha256"]
    after = client.get_function_configuration(FunctionName="hello")
    assert shown(after) == shown(before)
    assert refusal(client.update_function_code, FunctionName="hello", ZipFile=b"x", DryRun=True)[
        2
    ].startswith("Could not unzip")


def test_update_code_takes_no_image(create: Create, client: Any) -> None:
    create()
    assert refusal(client.update_function_code, FunctionName="hello", ImageUri="image") == (
        400,
        "InvalidParameterValueException",
        "Please don't provide ImageUri when updating a function with packageType Zip.",
    )


def test_updates_check_the_revision(create: Create, client: Any) -> None:
    stale = create()["RevisionId"]
    current = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    expected = (
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the"
        " GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    for call, request in (
        (client.update_function_code, {"ZipFile": archive()}),
        (client.update_function_configuration, {"Timeout": 4}),
        (client.publish_version, {}),
    ):
        assert refusal(call, FunctionName="hello", RevisionId=stale, **request) == expected
    client.update_function_configuration(FunctionName="hello", Timeout=4, RevisionId=current)


def test_update_configuration_changes_what_is_given_and_keeps_the_rest(
    create: Create, client: Any
) -> None:
    create(Description="first", Environment={"Variables": {"OLD": "1", "KEPT": "2"}})
    client.update_function_configuration(
        FunctionName="hello",
        Role=ROLE + "2",
        Handler="other.handler",
        Timeout=10,
        MemorySize=256,
        Runtime="python3.13",
        Environment={"Variables": {"NEW": "3"}},
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogGroup": "/other"},
    )
    found = client.get_function_configuration(FunctionName="hello")
    assert found["Description"] == "first"
    assert (found["Role"], found["Handler"]) == (ROLE + "2", "other.handler")
    assert (found["Timeout"], found["MemorySize"]) == (10, 256)
    assert found["Runtime"] == "python3.13"
    assert found["Environment"] == {"Variables": {"NEW": "3"}}
    assert found["EphemeralStorage"] == {"Size": 1024}
    assert found["LoggingConfig"]["LogGroup"] == "/other"


LOG_SETTINGS = [  # what is given one after the other, and what is shown in the end beside the group
    ([{"LogFormat": "JSON"}], ("JSON", "INFO", "INFO")),
    (
        [{"LogFormat": "JSON", "ApplicationLogLevel": "TRACE", "SystemLogLevel": "WARN"}],
        ("JSON", "TRACE", "WARN"),
    ),
    ([{"LogFormat": "JSON"}, {"SystemLogLevel": "DEBUG"}], ("JSON", "INFO", "DEBUG")),
    (
        [{"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}, {"LogGroup": "/mine"}],
        ("JSON", "ERROR", "INFO"),
    ),
    ([{"LogFormat": "JSON"}, {"LogFormat": "Text"}], ("Text", None, None)),
    (
        [
            {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
            {"LogFormat": "Text"},
            {"LogFormat": "JSON"},
        ],
        ("JSON", "INFO", "INFO"),
    ),
]


@pytest.mark.parametrize(("settings", "shown"), LOG_SETTINGS)
def test_log_levels_come_with_json_and_go_with_text(
    create: Create, client: Any, settings: list[dict[str, str]], shown: tuple[str | None, ...]
) -> None:
    first, *later = settings
    create(LoggingConfig=first)
    for each in later:
        client.update_function_configuration(FunctionName="hello", LoggingConfig=each)
    found = client.get_function_configuration(FunctionName="hello")["LoggingConfig"]
    members = ("LogFormat", "ApplicationLogLevel", "SystemLogLevel")
    assert tuple(found.get(member) for member in members) == shown
    group = [each["LogGroup"] for each in settings if "LogGroup" in each]
    assert found["LogGroup"] == (group or ["/aws/lambda/hello"])[-1]


def test_levels_are_refused_while_the_log_is_text(create: Create, client: Any) -> None:
    create()
    for config in (
        {"SystemLogLevel": "INFO"},
        {"LogFormat": "Text", "ApplicationLogLevel": "WARN"},
    ):
        refused = refusal(
            client.update_function_configuration, FunctionName="hello", LoggingConfig=config
        )
        assert refused[:2] == (400, "InvalidParameterValueException")
    found = client.get_function_configuration(FunctionName="hello")["LoggingConfig"]
    assert found == {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"}


def test_an_empty_environment_clears_the_variables(create: Create, client: Any) -> None:
    create(Environment={"Variables": {"KEY": "value"}})
    client.update_function_configuration(FunctionName="hello", Environment={})
    found = client.get_function_configuration(FunctionName="hello")
    assert not found.get("Environment", {}).get("Variables")


def test_updates_are_not_for_versions(create: Create, client: Any) -> None:
    create(Publish=True)
    text = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support"
        " this operation. Please specify either a function name or an unqualified function ARN."
    )
    for call in (client.update_function_configuration, client.publish_version):
        assert refusal(call, FunctionName="hello:1") == (
            400,
            "InvalidParameterValueException",
            text,
        )


def test_an_unsupported_setting_is_refused_on_update_too(create: Create, client: Any) -> None:
    create()
    status, code, message = refusal(
        client.update_function_configuration,
        FunctionName="hello",
        RuntimeConfig={
            "RuntimeArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:runtime/our-own",
            "RuntimeAlias": "a",
        },
    )
    assert (status, code) == (501, "NotImplemented")
    assert message.startswith("UpdateFunctionConfiguration with RuntimeConfig=")


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


def test_lists_show_functions_by_name_without_their_states(create: Create, client: Any) -> None:
    for name in ("b", "a-b", "a"):
        create(name)
    functions = client.list_functions()["Functions"]
    assert [function["FunctionName"] for function in functions] == ["a", "a-b", "b"]
    for member in ("State", "StateReason", "LastUpdateStatus", "RuntimeVersionConfig"):
        assert member not in functions[0]
    assert functions[0]["FunctionArn"].endswith(":function:a")


def test_lists_come_in_pages(create: Create, client: Any) -> None:
    names = [f"f{number:02}" for number in range(7)]
    for name in names:
        create(name)
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Functions"]) for page in pages] == [3, 3, 1]
    assert [f["FunctionName"] for page in pages for f in page["Functions"]] == names
    assert "NextMarker" not in pages[-1]
    assert refusal(client.list_functions, Marker="§")[1] == "InvalidParameterValueException"


def test_a_list_of_all_versions_has_qualified_arns(create: Create, client: Any) -> None:
    create("a", Publish=True)
    create("b")
    arns = [f["FunctionArn"] for f in client.list_functions(FunctionVersion="ALL")["Functions"]]
    assert [arn.split(":function:")[1] for arn in arns] == ["a:$LATEST", "a:1", "b:$LATEST"]


def test_no_function_is_replicated_from_another_region(create: Create, client: Any) -> None:
    create()
    listed = client.list_functions(MasterRegion="us-east-1", FunctionVersion="ALL")
    assert listed["Functions"] == []


def test_delete_answers_204_and_forgets_the_function(lab: Lab, create: Create, client: Any) -> None:
    create(Publish=True)
    status, headers, body = lab.http("DELETE", "/2015-03-31/functions/hello")
    assert (status, body) == (204, b"")
    assert headers["Content-Type"] is None
    assert refusal(client.get_function, FunctionName="hello")[0] == 404
    assert refusal(client.get_function, FunctionName="hello:1")[0] == 404


def test_delete_removes_one_version_by_its_qualifier(create: Create, client: Any) -> None:
    create(Publish=True)
    answer = client.delete_function(FunctionName="hello", Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_function, FunctionName="hello:1")[0] == 404
    client.delete_function(FunctionName="hello", Qualifier="7")  # never was
    assert refusal(client.delete_function, FunctionName="hello", Qualifier="$LATEST") == (
        400,
        "InvalidParameterValueException",
        "$LATEST version cannot be deleted without deleting the function.",
    )
    assert refusal(client.delete_function, FunctionName="hello", Qualifier="live")[0] == 400
    client.get_function(FunctionName="hello")


def test_every_answer_has_only_members_of_the_model(create: Create, client: Any) -> None:
    create(Publish=True, Environment={"Variables": {"KEY": "v"}}, Tags={"k": "v"})
    raw: list[Any] = []
    client.meta.events.register(
        "before-parse.lambda", lambda response_dict, **_: raw.append(response_dict["body"])
    )
    model = client.meta.service_model
    client.get_function(FunctionName="hello")
    body = json.loads(raw[-1])
    assert set(body) <= set(model.operation_model("GetFunction").output_shape.members)
    members = set(model.shape_for("FunctionConfiguration").members)
    assert set(body["Configuration"]) <= members
    client.list_functions()
    assert set(json.loads(raw[-1])["Functions"][0]) <= members


def test_errors_carry_code_type_and_request_id(lab: Lab) -> None:
    status, headers, body = lab.http("GET", "/2015-03-31/functions/missing")
    assert status == 404
    assert headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert headers["Content-Type"] == "application/json"
    assert UUID.fullmatch(headers["x-amzn-RequestId"])
    assert json.loads(body) == {
        "Type": "User",
        "Message": f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:missing",
    }


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


def test_the_download_address_names_the_host_that_was_asked(lab: Lab, create: Create) -> None:
    create()
    request = urllib.request.Request(
        lab.endpoint + "/2015-03-31/functions/hello", headers={"Host": "localhost:4566"}
    )
    with urllib.request.urlopen(request) as answer:
        location = json.load(answer)["Code"]["Location"]
    assert location.startswith("http://localhost:4566/_emulator/code/")
