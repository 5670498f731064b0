"""The types of Lambda but the function itself."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.lambda_function import FunctionType
from emulator.aws.stacks.lambda_versions import AliasType, VersionType
from emulator.aws.stacks.resource_type import Made, ResourceType, Wish, tags_of

_LAYER_VERSION: Final = re.compile(r"(?P<layer>.+):(?P<version>\d+)")


def _renamed(**members: str) -> Callable[[Wish], Members]:
    """Properties under the names that the API gives them, tags as the API wants them."""

    def rename(wish: Wish) -> Members:
        found = {members.get(name, name): value for name, value in wish.properties.items()}
        if "Tags" in members.values() and (tags := tags_of(wish)):
            found["Tags"] = tags
        return found

    return rename


def _permission(wish: Wish) -> Members:
    return {**wish.properties, "StatementId": wish.name}


def _made_permission(wish: Wish, members: Members, _: Answer) -> Made:
    address = {name: members[name] for name in ("FunctionName", "StatementId")}
    return Made(physical_id=wish.name, attributes={"Id": wish.name}, address=address)


def _made_mapping(_: Wish, __: Members, answer: Answer) -> Made:
    uuid = answer["UUID"]
    attributes = {"Id": uuid, "EventSourceMappingArn": answer.get("EventSourceMappingArn", "")}
    return Made(physical_id=uuid, attributes=attributes, address={"UUID": uuid})


def _layer(wish: Wish) -> Members:
    return {**wish.properties, "LayerName": wish.name}


def _made_layer(_: Wish, members: Members, answer: Answer) -> Made:
    arn = answer["LayerVersionArn"]
    address = {"LayerName": members["LayerName"], "VersionNumber": answer["Version"]}
    return Made(physical_id=arn, attributes={"LayerVersionArn": arn}, address=address)


def _layer_permission(wish: Wish) -> Members:
    members = {**wish.properties, "StatementId": wish.name}
    arn = str(members.pop("LayerVersionArn"))
    found = _LAYER_VERSION.fullmatch(arn)
    members["LayerName"] = found["layer"] if found else arn
    members["VersionNumber"] = found["version"] if found else 0
    return members


def _made_layer_permission(wish: Wish, members: Members, _: Answer) -> Made:
    identity = f"{wish.properties['LayerVersionArn']}#{wish.name}"
    address = {name: members[name] for name in ("LayerName", "VersionNumber", "StatementId")}
    return Made(physical_id=identity, attributes={"Id": identity}, address=address)


def _made_invoke_config(_: Wish, members: Members, __: Answer) -> Made:
    function, qualifier = members["FunctionName"], members["Qualifier"]
    address = {"FunctionName": function, "Qualifier": qualifier}
    return Made(physical_id=f"{function}|{qualifier}", attributes={}, address=address)


def _url(wish: Wish) -> Members:
    members = dict(wish.properties)
    members["FunctionName"] = members.pop("TargetFunctionArn")
    return members


def _made_url(_: Wish, members: Members, answer: Answer) -> Made:
    address: Members = {"FunctionName": members["FunctionName"]}
    if "Qualifier" in members:
        address["Qualifier"] = members["Qualifier"]
    arn = answer["FunctionArn"]
    attributes = {"FunctionArn": arn, "FunctionUrl": answer["FunctionUrl"]}
    return Made(physical_id=arn, attributes=attributes, address=address)


def _made_code_signing_config(_: Wish, __: Members, answer: Answer) -> Made:
    config = answer["CodeSigningConfig"]
    arn = config["CodeSigningConfigArn"]
    attributes = {"CodeSigningConfigArn": arn, "CodeSigningConfigId": config["CodeSigningConfigId"]}
    return Made(physical_id=arn, attributes=attributes, address={"CodeSigningConfigArn": arn})


def _capacity_provider(wish: Wish) -> Members:
    return {**_renamed(Tags="Tags")(wish), "CapacityProviderName": wish.name}


def _made_capacity_provider(wish: Wish, _: Members, answer: Answer) -> Made:
    provider = answer["CapacityProvider"]
    attributes = {"Arn": provider["CapacityProviderArn"], "State": provider.get("State", "")}
    return Made(
        physical_id=wish.name,
        attributes=attributes,
        address={"CapacityProviderName": wish.name},
    )


_MAPPING_DEFAULTS: Final = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "Enabled": True,
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "ScalingConfig": {},
    "TumblingWindowInSeconds": 0,
}

TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Lambda::Alias": AliasType(),
    "AWS::Lambda::CapacityProvider": ApiType(
        service="lambda",
        create_with="CreateCapacityProvider",
        update_with="UpdateCapacityProvider",
        delete_with="DeleteCapacityProvider",
        required=("VpcConfig", "PermissionsConfig"),
        name_property="CapacityProviderName",
        name_length=140,
        replaced_by=frozenset(
            {
                "CapacityProviderName",
                "VpcConfig",
                "PermissionsConfig",
                "InstanceRequirements",
                "KmsKeyArn",
            }
        ),
        members=_capacity_provider,
        only_at_creation=frozenset(
            {"VpcConfig", "PermissionsConfig", "InstanceRequirements", "KmsKeyArn", "Tags"}
        ),
        made=_made_capacity_provider,
        attributes=frozenset({"Arn", "State"}),
    ),
    "AWS::Lambda::CodeSigningConfig": ApiType(
        service="lambda",
        create_with="CreateCodeSigningConfig",
        update_with="UpdateCodeSigningConfig",
        delete_with="DeleteCodeSigningConfig",
        required=("AllowedPublishers",),
        members=_renamed(Tags="Tags"),
        defaults={"Description": ""},
        only_at_creation=frozenset({"Tags"}),
        made=_made_code_signing_config,
        attributes=frozenset({"CodeSigningConfigArn", "CodeSigningConfigId"}),
    ),
    "AWS::Lambda::EventInvokeConfig": ApiType(
        service="lambda",
        create_with="PutFunctionEventInvokeConfig",
        update_with="PutFunctionEventInvokeConfig",
        delete_with="DeleteFunctionEventInvokeConfig",
        required=("FunctionName", "Qualifier"),
        replaced_by=frozenset({"FunctionName", "Qualifier"}),
        made=_made_invoke_config,
    ),
    "AWS::Lambda::EventSourceMapping": ApiType(
        service="lambda",
        create_with="CreateEventSourceMapping",
        update_with="UpdateEventSourceMapping",
        delete_with="DeleteEventSourceMapping",
        required=("FunctionName",),
        replaced_by=frozenset(
            {
                "EventSourceArn",
                "SelfManagedEventSource",
                "StartingPosition",
                "StartingPositionTimestamp",
                "AmazonManagedKafkaEventSourceConfig",
                "SelfManagedKafkaEventSourceConfig",
                "Queues",
                "Topics",
            }
        ),
        members=_renamed(KmsKeyArn="KMSKeyArn", Tags="Tags"),
        defaults=_MAPPING_DEFAULTS,
        only_at_creation=frozenset(
            {
                "EventSourceArn",
                "SelfManagedEventSource",
                "StartingPosition",
                "StartingPositionTimestamp",
                "Queues",
                "Topics",
                "Tags",
            }
        ),
        made=_made_mapping,
        attributes=frozenset({"Id", "EventSourceMappingArn"}),
    ),
    "AWS::Lambda::Function": FunctionType(),
    "AWS::Lambda::LayerVersion": ApiType(
        service="lambda",
        create_with="PublishLayerVersion",
        delete_with="DeleteLayerVersion",
        required=("Content",),
        name_property="LayerName",
        members=_layer,
        made=_made_layer,
        attributes=frozenset({"LayerVersionArn"}),
    ),
    "AWS::Lambda::LayerVersionPermission": ApiType(
        service="lambda",
        create_with="AddLayerVersionPermission",
        delete_with="RemoveLayerVersionPermission",
        required=("Action", "LayerVersionArn", "Principal"),
        members=_layer_permission,
        made=_made_layer_permission,
        attributes=frozenset({"Id"}),
    ),
    "AWS::Lambda::Permission": ApiType(
        service="lambda",
        create_with="AddPermission",
        delete_with="RemovePermission",
        required=("Action", "FunctionName", "Principal"),
        members=_permission,
        name_length=100,
        made=_made_permission,
        attributes=frozenset({"Id"}),
    ),
    "AWS::Lambda::Url": ApiType(
        service="lambda",
        create_with="CreateFunctionUrlConfig",
        update_with="UpdateFunctionUrlConfig",
        delete_with="DeleteFunctionUrlConfig",
        required=("AuthType", "TargetFunctionArn"),
        replaced_by=frozenset({"TargetFunctionArn", "Qualifier"}),
        members=_url,
        defaults={"Cors": {}, "InvokeMode": "BUFFERED"},
        made=_made_url,
        attributes=frozenset({"FunctionArn", "FunctionUrl"}),
    ),
    "AWS::Lambda::Version": VersionType(),
}
