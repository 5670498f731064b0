"""AWS::S3::Bucket: with the notifications, versions and rules that a template gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    Wish,
    changed,
    tag_list,
    tags_of,
)

_ATTRIBUTES: Final = frozenset(
    {"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"}
)
_DEFAULT_REGION: Final = "us-east-1"


def _notifications(value: Any) -> dict[str, Any]:
    """Notifications as the API has them: filters and events are called differently there."""
    kinds = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    made: dict[str, Any] = {}
    for name, rules in (value or {}).items():
        if name == "EventBridgeConfiguration":
            if str(rules.get("EventBridgeEnabled", True)).lower() == "true":
                made[name] = {}
        elif name in kinds:
            member, target, target_member = kinds[name]
            made[member] = [
                {
                    target_member: rule[target],
                    "Events": [rule["Event"]],
                    **({"Filter": {"Key": _key_filter(rule)}} if "Filter" in rule else {}),
                }
                for rule in rules
            ]
        else:
            raise ResourceProblem(f"#/NotificationConfiguration: extraneous key [{name}]")
    return {"NotificationConfiguration": made}


def _key_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"FilterRules": rule["Filter"]["S3Key"]["Rules"]}


def _encryption(value: Any) -> dict[str, Any]:
    rules = [
        {
            **{k: v for k, v in rule.items() if k != "ServerSideEncryptionByDefault"},
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def _cors(value: Any) -> dict[str, Any]:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    rules = [
        {names.get(name, name): item for name, item in rule.items()} for rule in value["CorsRules"]
    ]
    return {"CORSConfiguration": {"CORSRules": rules}}


def _lifecycle(value: Any) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": [_lifecycle_rule(each) for each in value["Rules"]]}}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    for name, item in rule.items():
        match name:
            case "Id":
                made["ID"] = item
            case "ExpirationInDays":
                made["Expiration"] = {"Days": item}
            case "NoncurrentVersionExpirationInDays":
                made["NoncurrentVersionExpiration"] = {"NoncurrentDays": item}
            case "NoncurrentVersionExpiration" | "AbortIncompleteMultipartUpload":
                made[name] = item
            case "Status" | "Prefix":
                pass
            case _:
                raise ResourceProblem(f"The emulator's stacks do not take {name} of a lifecycle.")
    return made


def _wrapped(member: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {member: value}


# Property: what sets it, its members, what takes it away ("": it cannot be).
_SETTINGS: Final[Mapping[str, tuple[str, Callable[[Any], dict[str, Any]], str]]] = {
    "BucketEncryption": ("PutBucketEncryption", _encryption, "DeleteBucketEncryption"),
    "CorsConfiguration": ("PutBucketCors", _cors, "DeleteBucketCors"),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration",
        _lifecycle,
        "DeleteBucketLifecycle",
    ),
    "NotificationConfiguration": ("PutBucketNotificationConfiguration", _notifications, "again"),
    "OwnershipControls": (
        "PutBucketOwnershipControls",
        _wrapped("OwnershipControls"),
        "DeleteBucketOwnershipControls",
    ),
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock",
        _wrapped("PublicAccessBlockConfiguration"),
        "DeletePublicAccessBlock",
    ),
    "VersioningConfiguration": (
        "PutBucketVersioning",
        _wrapped("VersioningConfiguration"),
        "",
    ),
}
_OTHERS: Final = frozenset({"AccessControl", "BucketName", "Tags"})


@dataclass(frozen=True, slots=True)
class BucketType(Kind):
    """Implements ResourceType."""

    service: str = "s3"
    delete_with: str = "DeleteBucket"
    name_property: str = "BucketName"
    name_length: int = 63
    attributes: frozenset[str] = _ATTRIBUTES
    replaced_by: frozenset[str] = frozenset({"BucketName"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the bucket, then set what its properties say."""
        for name in wish.properties:
            if name not in _SETTINGS and name not in _OTHERS:
                raise ResourceProblem(f"The emulator's stacks do not take {name} of a bucket.")
        name = wish.properties.get("BucketName") or wish.name.lower()
        members: dict[str, Any] = {"Bucket": name}
        if wish.region != _DEFAULT_REGION:
            members["CreateBucketConfiguration"] = {"LocationConstraint": wish.region}
        if "AccessControl" in wish.properties:
            members["ACL"] = _canned_acl(str(wish.properties["AccessControl"]))
        call("s3", "CreateBucket", members)
        domain = f"{name}.s3.{wish.region}.amazonaws.com"
        attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{wish.region}.amazonaws.com",
            "RegionalDomainName": domain,
            "WebsiteURL": f"http://{name}.s3-website-{wish.region}.amazonaws.com",
        }
        made = Made(physical_id=name, attributes=attributes, address={"Bucket": name})
        note(made)
        return self.update(made, {}, wish, call)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Set what differs, and take away what the template has no longer."""
        new = wish.properties
        for name in sorted(changed(old, new) & set(_SETTINGS)):
            operation, members, removal = _SETTINGS[name]
            if name in new or removal == "again":
                call("s3", operation, {**members(new.get(name)), **made.address})
            elif removal:
                call("s3", removal, made.address)
            else:
                raise ResourceProblem(f"The {name} of a bucket cannot be taken away.")
        if tags := tags_of(wish):
            tagging = {"TagSet": tag_list(tags)}
            call("s3", "PutBucketTagging", {**made.address, "Tagging": tagging})
        return made


def _canned_acl(name: str) -> str:
    """PublicRead as S3 writes it: public-read."""
    made = "".join(f"-{each.lower()}" if each.isupper() else each for each in name)
    return made.removeprefix("-")
