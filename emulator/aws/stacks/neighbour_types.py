"""Types of the services around functions: those that moto lacks or makes only in part."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceType,
    Wish,
    require,
    tag_list,
    tags_of,
    unless_gone,
)

_QUEUE_ATTRIBUTES: Final = {  # what they are again when a template drops them
    "DelaySeconds": 0,
    "MessageRetentionPeriod": 345_600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "VisibilityTimeout": 30,
}
_TOPIC_ACTIONS: Final = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)
_SUBSCRIBED: Final = ("TopicArn", "Protocol", "Endpoint")


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _queue(wish: Wish) -> Members:
    given = dict(wish.properties)
    given.pop("QueueName", None)
    given.pop("Tags", None)
    is_fifo = _text(given.get("FifoQueue", False)) == "true"
    if not is_fifo:  # SQS takes no "false"
        given.pop("FifoQueue", None)
    attributes = {name: _text(value) for name, value in {**_QUEUE_ATTRIBUTES, **given}.items()}
    needs_suffix = is_fifo and not wish.name.endswith(".fifo")
    name = f"{wish.name[:75]}.fifo" if needs_suffix else wish.name
    return {"QueueName": name, "Attributes": attributes, "tags": tags_of(wish)}


def _made_queue(wish: Wish, members: Members, answer: Answer) -> Made:
    name = str(answer.get("QueueUrl") or members["QueueUrl"]).rsplit("/", 1)[1]
    url = f"{wish.endpoint}/{wish.account}/{name}"
    arn = f"arn:aws:sqs:{wish.region}:{wish.account}:{name}"
    attributes = {"Arn": arn, "QueueName": name, "QueueUrl": url}
    return Made(physical_id=url, attributes=attributes, address={"QueueUrl": url})


def _subscription(wish: Wish) -> Members:
    members = dict(wish.properties)
    kept: Members = {}
    for name in _SUBSCRIBED:
        if name in members:
            kept[name] = members.pop(name)
    members.pop("Region", None)
    attributes = {name: _text(value) for name, value in members.items()}
    return {**kept, "Attributes": attributes, "ReturnSubscriptionArn": True}


def _made_subscription(_: Wish, __: Members, answer: Answer) -> Made:
    arn = answer["SubscriptionArn"]
    return Made(physical_id=arn, attributes={"Arn": arn}, address={"SubscriptionArn": arn})


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyType(Kind):
    """Implements ResourceType: one policy for several queues or topics."""

    targets: str  # the property that lists them
    operation: str
    members: Callable[[str, str], Members]  # of a target, and a policy; "": the default one
    name_length: int = 128

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Set the policy."""
        require(wish.properties, "PolicyDocument", self.targets)
        targets = wish.properties[self.targets]
        made = Made(physical_id=wish.name, attributes={}, address={"targets": targets})
        note(made)  # if a later one fails, those before lose it again
        for target in targets:
            self._set(target, json.dumps(wish.properties["PolicyDocument"]), call)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Set it anew."""
        for target in made.address["targets"]:
            if target not in wish.properties[self.targets]:
                self._set(target, "", call)
        return self.create(wish, call, lambda _: None)

    @override
    def delete(self, made: Made, call: Call) -> None:
        """Take it away; what it was for may be gone."""
        for target in made.address["targets"]:
            with unless_gone():
                self._set(target, "", call)

    def _set(self, target: str, policy: str, call: Call) -> None:
        call(self.service, self.operation, self.members(target, policy))


def _queue_policy(url: str, policy: str) -> Members:
    return {"QueueUrl": url, "Attributes": {"Policy": policy}}


def _topic_policy(arn: str, policy: str) -> Members:
    text = policy or json.dumps(_default_topic_policy(arn))
    return {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": text}


def _default_topic_policy(arn: str) -> Mapping[str, Any]:
    """What a topic has that nobody gave a policy."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{name}" for name in _TOPIC_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


def _bucket_policy(wish: Wish) -> Members:
    return {
        "Bucket": wish.properties["Bucket"],
        "Policy": json.dumps(wish.properties["PolicyDocument"]),
    }


def _made_bucket_policy(_: Wish, members: Members, __: Answer) -> Made:
    bucket = members["Bucket"]
    return Made(physical_id=bucket, attributes={}, address={"Bucket": bucket})


def _filter(wish: Wish) -> Members:
    members = dict(wish.properties)
    members["filterName"] = members.pop("FilterName", wish.name)
    return members


def _made_filter(_: Wish, members: Members, __: Answer) -> Made:
    name = members["filterName"]
    address = {"logGroupName": members.get("LogGroupName") or members["logGroupName"]}
    return Made(physical_id=name, attributes={}, address={**address, "filterName": name})


def _alarm(wish: Wish) -> Members:
    return {**wish.properties, "AlarmName": wish.name}


def _made_alarm(wish: Wish, _: Members, __: Answer) -> Made:
    arn = f"arn:aws:cloudwatch:{wish.region}:{wish.account}:alarm:{wish.name}"
    return Made(physical_id=wish.name, attributes={"Arn": arn}, address={"AlarmNames": [wish.name]})


def _schedule(wish: Wish) -> Members:
    return {**wish.properties, "Name": wish.name}


def _made_schedule(wish: Wish, members: Members, answer: Answer) -> Made:
    address = {"Name": wish.name}
    if "GroupName" in members:
        address["GroupName"] = members["GroupName"]
    arn = answer["ScheduleArn"]
    return Made(physical_id=wish.name, attributes={"Arn": arn}, address=address)


def _parameter(wish: Wish) -> Members:
    tags = {**wish.tags, **wish.properties.get("Tags", {})}
    return {
        **wish.properties,
        "Name": wish.name,
        "Tags": tag_list(tags),
    }


def _made_parameter(wish: Wish, members: Members, _: Answer) -> Made:
    attributes = {"Type": members["Type"], "Value": members["Value"]}
    return Made(physical_id=wish.name, attributes=attributes, address={"Name": wish.name})


def _profile(wish: Wish) -> Members:
    members = {**wish.properties, "ProfileName": wish.name.replace("-", "_")}
    members["Tags"] = tags_of(wish)
    return members


def _made_profile(_: Wish, members: Members, answer: Answer) -> Made:
    attributes = {
        "Arn": answer["arn"],
        "ProfileName": members["ProfileName"],
        "ProfileVersion": answer["profileVersion"],
        "ProfileVersionArn": answer["profileVersionArn"],
    }
    address = {"ProfileName": members["ProfileName"]}
    return Made(physical_id=answer["arn"], attributes=attributes, address=address)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::CloudWatch::Alarm": ApiType(
        service="cloudwatch",
        create_with="PutMetricAlarm",
        delete_with="DeleteAlarms",
        name_property="AlarmName",
        name_length=255,
        members=_alarm,
        made=_made_alarm,
        attributes=frozenset({"Arn"}),
    ),
    "AWS::Logs::SubscriptionFilter": ApiType(
        service="logs",
        create_with="PutSubscriptionFilter",
        update_with="PutSubscriptionFilter",
        delete_with="DeleteSubscriptionFilter",
        required=("DestinationArn", "FilterPattern", "LogGroupName"),
        replaced_by=frozenset({"LogGroupName", "FilterName"}),
        name_property="FilterName",
        name_length=512,
        members=_filter,
        made=_made_filter,
    ),
    "AWS::S3::BucketPolicy": ApiType(
        service="s3",
        create_with="PutBucketPolicy",
        update_with="PutBucketPolicy",
        delete_with="DeleteBucketPolicy",
        required=("Bucket", "PolicyDocument"),
        replaced_by=frozenset({"Bucket"}),
        members=_bucket_policy,
        made=_made_bucket_policy,
    ),
    "AWS::SNS::Subscription": ApiType(
        service="sns",
        create_with="Subscribe",
        delete_with="Unsubscribe",
        required=("Protocol", "TopicArn"),
        members=_subscription,
        made=_made_subscription,
        attributes=frozenset({"Arn"}),
    ),
    "AWS::SNS::TopicPolicy": PolicyType(
        service="sns", targets="Topics", operation="SetTopicAttributes", members=_topic_policy
    ),
    "AWS::Signer::SigningProfile": ApiType(
        service="signer",
        create_with="PutSigningProfile",
        delete_with="CancelSigningProfile",
        required=("PlatformId",),
        name_property="ProfileName",
        members=_profile,
        made=_made_profile,
        attributes=frozenset({"Arn", "ProfileName", "ProfileVersion", "ProfileVersionArn"}),
    ),
    "AWS::SQS::Queue": ApiType(
        service="sqs",
        create_with="CreateQueue",
        update_with="SetQueueAttributes",
        delete_with="DeleteQueue",
        replaced_by=frozenset({"QueueName", "FifoQueue"}),
        name_property="QueueName",
        name_length=80,
        members=_queue,
        only_at_creation=frozenset({"QueueName", "tags"}),
        made=_made_queue,
        attributes=frozenset({"Arn", "QueueName", "QueueUrl"}),
    ),
    "AWS::SSM::Parameter": ApiType(
        service="ssm",
        create_with="PutParameter",
        update_with="PutParameter",
        delete_with="DeleteParameter",
        required=("Type", "Value"),
        replaced_by=frozenset({"Name"}),
        name_property="Name",
        name_length=2048,
        members=_parameter,
        only_at_creation=frozenset({"Tags"}),
        only_at_update={"Overwrite": True},  # at its creation one that exists is another's
        made=_made_parameter,
        attributes=frozenset({"Type", "Value"}),
    ),
    "AWS::SQS::QueuePolicy": PolicyType(
        service="sqs", targets="Queues", operation="SetQueueAttributes", members=_queue_policy
    ),
    "AWS::Scheduler::Schedule": ApiType(
        service="scheduler",
        create_with="CreateSchedule",
        update_with="UpdateSchedule",
        delete_with="DeleteSchedule",
        required=("FlexibleTimeWindow", "ScheduleExpression", "Target"),
        replaced_by=frozenset({"Name", "GroupName"}),
        name_property="Name",
        members=_schedule,
        made=_made_schedule,
        attributes=frozenset({"Arn"}),
    ),
}
