"""Capacity providers, and functions that run on one."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from emulator.control import Target
from emulator.control.capacity_providers import CapacityProviderStore
from emulator.model import LambdaError
from tests.api.function_answers import Create, refusal, shown
from tests.api.lab import ACCOUNT, ROLE, Lab, archive

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:capacity-provider:fleet"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
REQUEST: dict[str, Any] = {
    "CapacityProviderName": "fleet",
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
    "InstanceRequirements": {"Architectures": ["arm64"], "AllowedInstanceTypes": ["m8g.*"]},
    "CapacityProviderScalingConfig": {"MaxVCpuCount": 30, "ScalingMode": "Auto"},
    "KmsKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
}
USE = {
    "LambdaManagedInstancesCapacityProviderConfig": {
        "CapacityProviderArn": ARN,
        "PerExecutionEnvironmentMaxConcurrency": 10,
        "ExecutionEnvironmentMemoryGiBPerVCpu": 4.0,
    }
}


@pytest.fixture
def provider(client: Any) -> Any:
    return client.create_capacity_provider(**REQUEST)


def test_a_provider_is_shown_as_it_was_asked_for(provider: Any, client: Any) -> None:
    assert provider["ResponseMetadata"]["HTTPStatusCode"] == 202
    made = provider["CapacityProvider"]
    assert (made["State"], made["CapacityProviderArn"]) == ("Pending", ARN)
    by_name, by_arn = (
        client.get_capacity_provider(CapacityProviderName=name)["CapacityProvider"]
        for name in ("fleet", ARN)
    )
    assert by_name == by_arn == {**made, "State": "Active"}
    given = {key: value for key, value in REQUEST.items() if key != "CapacityProviderName"}
    assert given == {key: made[key] for key in given}


def test_an_update_replaces_what_is_given(provider: Any, client: Any) -> None:
    policy = {
        "PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization",
        "TargetValue": 70.0,
    }
    config = {"ScalingMode": "Manual", "ScalingPolicies": [policy]}
    client.update_capacity_provider(
        CapacityProviderName="fleet", CapacityProviderScalingConfig=config
    )
    found = client.get_capacity_provider(CapacityProviderName="fleet")["CapacityProvider"]
    assert found["CapacityProviderScalingConfig"] == config
    assert found["InstanceRequirements"] == REQUEST["InstanceRequirements"]


def test_providers_are_listed_by_name_and_state(provider: Any, client: Any) -> None:
    client.create_capacity_provider(**{**REQUEST, "CapacityProviderName": "a"})

    def names(**request: Any) -> list[str]:
        found = client.list_capacity_providers(**request)["CapacityProviders"]
        return [each["CapacityProviderArn"].rpartition(":")[2] for each in found]

    assert names() == ["a", "fleet"]
    assert names(State="Active") == ["a", "fleet"]
    assert names(State="Failed") == []
    assert names(MaxItems=1) == ["a"]


def test_a_provider_has_tags(client: Any) -> None:
    client.create_capacity_provider(**REQUEST, Tags={"team": "blue"})
    client.tag_resource(Resource=ARN, Tags={"cost": "7"})
    assert client.list_tags(Resource=ARN)["Tags"] == {"team": "blue", "cost": "7"}


def test_what_is_wrong_with_a_provider_is_refused(provider: Any, client: Any) -> None:
    assert refusal(client.create_capacity_provider, **REQUEST)[:2] == (
        409,
        "ResourceConflictException",
    )
    network = {"SubnetIds": ["subnet-9"], "SecurityGroupIds": []}
    request = {**REQUEST, "CapacityProviderName": "b", "VpcConfig": network}
    status, code, text = refusal(client.create_capacity_provider, **request)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "'subnet-9' does not exist" in text
    for call in (
        client.get_capacity_provider,
        client.update_capacity_provider,
        client.delete_capacity_provider,
        client.list_function_versions_by_capacity_provider,
    ):
        refused = refusal(call, CapacityProviderName="missing")
        assert refused[:2] == (404, "ResourceNotFoundException")


def test_a_provider_goes_when_no_function_uses_it(
    provider: Any, create: Create, client: Any
) -> None:
    create(CapacityProviderConfig=USE)
    delete = client.delete_capacity_provider
    refused = refusal(delete, CapacityProviderName="fleet")
    assert refused[:2] == (409, "ResourceConflictException")
    client.delete_function(FunctionName="hello")
    assert delete(CapacityProviderName="fleet")["CapacityProvider"]["State"] == "Deleting"
    refused = refusal(client.get_capacity_provider, CapacityProviderName="fleet")
    assert refused[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("through", ["create", "replace_configuration"])  # methods of the store
def test_a_provider_that_is_deleted_meanwhile_is_on_no_function(
    through: str, lab: Lab, create: Create, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**REQUEST, "CapacityProviderName": "other"}
    client.create_capacity_provider(**REQUEST)
    client.create_capacity_provider(**other)
    use = {**USE["LambdaManagedInstancesCapacityProviderConfig"]}
    use["CapacityProviderArn"] = ARN.replace("fleet", "other")
    config = {"LambdaManagedInstancesCapacityProviderConfig": use}
    if through == "replace_configuration":
        create(CapacityProviderConfig=USE)
    original = getattr(lab.store, through)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        client.delete_capacity_provider(CapacityProviderName="other")
        return original(*args, **kwargs)

    monkeypatch.setattr(lab.store, through, overtaken)
    if through == "create":
        refused = refusal(create, CapacityProviderConfig=config)
        assert not lab.store.exists(FUNCTION)
    else:
        update = client.update_function_configuration
        refused = refusal(update, FunctionName="hello", CapacityProviderConfig=config)
        shown_config = client.get_function_configuration(FunctionName="hello")
        assert shown_config["CapacityProviderConfig"] == USE
    assert refused[:2] == (404, "ResourceNotFoundException")


def test_no_function_gets_a_provider_while_it_is_deleted(
    provider: Any, lab: Lab, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = CapacityProviderStore.delete
    may_change = []

    def watched(providers: CapacityProviderStore, arn: str) -> Any:
        with ThreadPoolExecutor(1) as another:
            may_change.append(another.submit(lab.store._lock.acquire, False).result())
        return delete(providers, arn)

    monkeypatch.setattr(CapacityProviderStore, "delete", watched)
    client.delete_capacity_provider(CapacityProviderName="fleet")
    assert may_change == [False]


def test_a_function_on_a_provider_logs_json(provider: Any, create: Create, client: Any) -> None:
    made = create(CapacityProviderConfig=USE)
    assert made["CapacityProviderConfig"] == USE
    assert made["LoggingConfig"]["LogFormat"] == "JSON"
    update = client.update_function_configuration
    refused = refusal(update, FunctionName="hello", LoggingConfig={"LogFormat": "Text"})
    assert refused[:2] == (400, "InvalidParameterValueException")
    changed = {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": ARN,
            "PerExecutionEnvironmentMaxConcurrency": 20,
        }
    }
    update(FunctionName="hello", CapacityProviderConfig=changed)
    found = client.get_function_configuration(FunctionName="hello")
    assert found["CapacityProviderConfig"] == changed


def test_where_a_function_runs_is_settled_when_it_is_made(
    provider: Any, create: Create, client: Any
) -> None:
    create()
    update = client.update_function_configuration
    refused = refusal(update, FunctionName="hello", CapacityProviderConfig=USE)
    assert refused[:2] == (400, "InvalidParameterValueException")
    missing = {"CapacityProviderArn": ARN.replace("fleet", "missing")}
    config = {"LambdaManagedInstancesCapacityProviderConfig": missing}
    assert refusal(create, CapacityProviderConfig=config)[:2] == (404, "ResourceNotFoundException")


def test_only_what_is_published_can_be_invoked(
    provider: Any, create: Create, client: Any, lab: Lab
) -> None:
    create(CapacityProviderConfig=USE)
    found = client.get_function_configuration(FunctionName="hello")
    assert found["State"] == "ActiveNonInvocable"
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.invoke(FunctionName="hello")
    assert refused.value.response["Error"]["Code"] == "NoPublishedVersionException"
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.invoke(FunctionName="hello", Qualifier="$LATEST")
    made = client.publish_version(FunctionName="hello", PublishTo="LATEST_PUBLISHED")
    assert made["FunctionArn"] == f"{FUNCTION}:$LATEST.PUBLISHED"
    assert (made["Version"], made["State"]) == ("$LATEST.PUBLISHED", "Active")
    client.invoke(FunctionName="hello")
    runs = lab.store.resolve(ACCOUNT, "us-east-1", "hello", None)
    assert runs.version.version == "$LATEST.PUBLISHED"
    assert runs.invoked_arn == FUNCTION


def test_the_published_latest_is_replaced_only_when_something_changed(
    provider: Any, create: Create, client: Any
) -> None:
    create(CapacityProviderConfig=USE, PublishTo="LATEST_PUBLISHED")
    publish = client.publish_version
    first = client.get_function_configuration(FunctionName="hello", Qualifier="$LATEST.PUBLISHED")
    again = publish(FunctionName="hello", PublishTo="LATEST_PUBLISHED")
    assert again["RevisionId"] == first["RevisionId"]
    code = archive(app="def handler(event, context): return 2")
    made = client.update_function_code(
        FunctionName="hello", ZipFile=code, PublishTo="LATEST_PUBLISHED"
    )
    assert made["Version"] == "$LATEST.PUBLISHED"
    assert made["CodeSha256"] != first["CodeSha256"]
    assert publish(FunctionName="hello")["Version"] == "1"
    versions = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST", "$LATEST.PUBLISHED", "1"]
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName="hello", PaginationConfig={"PageSize": 1}
    )
    assert [each["Version"] for page in pages for each in page["Versions"]] == [
        each["Version"] for each in versions
    ]
    found = client.list_function_versions_by_capacity_provider(CapacityProviderName=ARN)
    assert found["CapacityProviderArn"] == ARN
    assert found["FunctionVersions"] == [
        {"FunctionArn": f"{FUNCTION}:$LATEST.PUBLISHED", "State": "Active"},
        {"FunctionArn": f"{FUNCTION}:1", "State": "Active"},
    ]


def test_publish_to_is_for_functions_on_a_provider(create: Create, client: Any) -> None:
    create()
    refused = refusal(client.publish_version, FunctionName="hello", PublishTo="LATEST_PUBLISHED")
    assert refused[:2] == (400, "InvalidParameterValueException")
    refused = refusal(create, FunctionName="other", PublishTo="LATEST_PUBLISHED")
    assert refused[:2] == (400, "InvalidParameterValueException")


def test_a_version_without_environments_is_deactivated(
    provider: Any, create: Create, client: Any, lab: Lab
) -> None:
    create(CapacityProviderConfig=USE, Publish=True)
    where = {"FunctionName": "hello", "Qualifier": "1"}
    config = {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}
    put = client.put_function_scaling_config(**where, FunctionScalingConfig=config)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert put["FunctionState"] == "Deactivated"
    assert client.get_function_configuration(**where)["State"] == "Deactivated"
    with pytest.raises(LambdaError, match="state: Deactivated"):
        lab.store.resolve(ACCOUNT, "us-east-1", "hello", "1")
    config = {"MinExecutionEnvironments": 3, "MaxExecutionEnvironments": 5}
    put = client.put_function_scaling_config(**where, FunctionScalingConfig=config)
    assert put["FunctionState"] == "Active"
    lab.store.resolve(ACCOUNT, "us-east-1", "hello", "1")
    assert shown(client.get_function_scaling_config(**where)) == {
        "FunctionArn": f"{FUNCTION}:1",
        "AppliedFunctionScalingConfig": config,
        "RequestedFunctionScalingConfig": config,
    }


def test_scaling_is_for_published_versions_on_a_provider(
    provider: Any, create: Create, client: Any
) -> None:
    create("plain", Publish=True)
    create(CapacityProviderConfig=USE, Publish=True)
    put = client.put_function_scaling_config
    assert refusal(put, FunctionName="plain", Qualifier="1") == (
        403,
        "AccessDeniedException",
        "The function provided by the arn does not contain a capacity provider configuration",
    )
    assert refusal(put, FunctionName="hello", Qualifier="7")[0] == 404
    config = {"MinExecutionEnvironments": 5, "MaxExecutionEnvironments": 4}
    refused = refusal(put, FunctionName="hello", Qualifier="1", FunctionScalingConfig=config)
    assert refused[:2] == (400, "InvalidParameterValueException")
    refused = refusal(
        client.put_provisioned_concurrency_config,
        FunctionName="hello",
        Qualifier="1",
        ProvisionedConcurrentExecutions=1,
    )
    assert refused[:2] == (400, "InvalidParameterValueException")


def test_a_deleted_published_latest_is_gone(provider: Any, create: Create, client: Any) -> None:
    create(CapacityProviderConfig=USE, PublishTo="LATEST_PUBLISHED")
    where = Target(ACCOUNT, "us-east-1", "hello", "$LATEST.PUBLISHED")
    client.delete_function(FunctionName=where.name, Qualifier=where.qualifier)
    refused = refusal(
        client.get_function_configuration, FunctionName=where.name, Qualifier=where.qualifier
    )
    assert refused[:2] == (404, "ResourceNotFoundException")
