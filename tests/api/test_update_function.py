"""UpdateFunctionCode and UpdateFunctionConfiguration."""

from typing import Any

import pytest

from tests.api.function_answers import Create, refusal, shown
from tests.api.lab import ACCOUNT, ROLE, archive


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
