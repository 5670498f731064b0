"""Types of Cognito: user pools, their clients, domains and groups."""

from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.resource_type import Made, ResourceType, Wish

_SERVICE: Final = "cognito-idp"


def _pool(wish: Wish) -> Members:
    members = {**wish.properties, "PoolName": wish.name}
    members.pop("UserPoolName", None)
    members["UserPoolTags"] = {**wish.tags, **wish.properties.get("UserPoolTags", {})}
    return members


def _made_pool(wish: Wish, members: Members, answer: Answer) -> Made:
    identity = answer["UserPool"]["Id"] if "UserPool" in answer else members["UserPoolId"]
    provider = f"cognito-idp.{wish.region}.amazonaws.com/{identity}"
    attributes = {
        "Arn": f"arn:aws:cognito-idp:{wish.region}:{wish.account}:userpool/{identity}",
        "ProviderName": provider,
        "ProviderURL": f"https://{provider}",
        "UserPoolId": identity,
    }
    return Made(physical_id=identity, attributes=attributes, address={"UserPoolId": identity})


def _client(wish: Wish) -> Members:
    return {**wish.properties, "ClientName": wish.name}


def _made_client(wish: Wish, members: Members, answer: Answer) -> Made:
    client = answer["UserPoolClient"]
    identity = client["ClientId"]
    attributes: dict[str, Any] = {"ClientId": identity, "Name": wish.name}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    address = {"UserPoolId": members["UserPoolId"], "ClientId": identity}
    return Made(physical_id=identity, attributes=attributes, address=address)


def _made_domain(_: Wish, members: Members, answer: Answer) -> Made:
    address = {name: members[name] for name in ("Domain", "UserPoolId")}
    attributes = {"CloudFrontDistribution": answer.get("CloudFrontDomain", "")}
    return Made(physical_id=members["Domain"], attributes=attributes, address=address)


def _group(wish: Wish) -> Members:
    return {**wish.properties, "GroupName": wish.name}


def _made_group(wish: Wish, members: Members, _: Answer) -> Made:
    address = {"UserPoolId": members["UserPoolId"], "GroupName": wish.name}
    return Made(physical_id=wish.name, attributes={}, address=address)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Cognito::UserPool": ApiType(
        service=_SERVICE,
        create_with="CreateUserPool",
        update_with="UpdateUserPool",
        delete_with="DeleteUserPool",
        replaced_by=frozenset({"AliasAttributes", "Schema", "UsernameAttributes", "UserPoolName"}),
        name_property="UserPoolName",
        name_length=128,
        members=_pool,
        defaults={"LambdaConfig": {}},
        only_at_creation=frozenset(
            {"AliasAttributes", "PoolName", "Schema", "UsernameAttributes", "UsernameConfiguration"}
        ),
        made=_made_pool,
        attributes=frozenset({"Arn", "ProviderName", "ProviderURL", "UserPoolId"}),
    ),
    "AWS::Cognito::UserPoolClient": ApiType(
        service=_SERVICE,
        create_with="CreateUserPoolClient",
        update_with="UpdateUserPoolClient",
        delete_with="DeleteUserPoolClient",
        required=("UserPoolId",),
        replaced_by=frozenset({"GenerateSecret", "UserPoolId"}),
        name_property="ClientName",
        name_length=128,
        members=_client,
        only_at_creation=frozenset({"GenerateSecret"}),
        made=_made_client,
        attributes=frozenset({"ClientId", "ClientSecret", "Name"}),
    ),
    "AWS::Cognito::UserPoolDomain": ApiType(
        service=_SERVICE,
        create_with="CreateUserPoolDomain",
        delete_with="DeleteUserPoolDomain",
        required=("Domain", "UserPoolId"),
        made=_made_domain,
        attributes=frozenset({"CloudFrontDistribution"}),
    ),
    "AWS::Cognito::UserPoolGroup": ApiType(
        service=_SERVICE,
        create_with="CreateGroup",
        update_with="UpdateGroup",
        delete_with="DeleteGroup",
        required=("UserPoolId",),
        replaced_by=frozenset({"GroupName", "UserPoolId"}),
        name_property="GroupName",
        name_length=128,
        members=_group,
        made=_made_group,
    ),
}
