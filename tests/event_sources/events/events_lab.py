"""Rules, events and targets, as their owner sees them."""

import json
from typing import Any

from tests.aws.conftest import Client
from tests.event_sources.conftest import FakeInvoker

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"
DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"


def rule(events: Any, *targets: str | dict[str, Any], name: str = "r", **more: Any) -> str:
    """Make a rule for events of "shop"."""
    more.setdefault("EventPattern", json.dumps({"source": ["shop"]}))
    arn: str = events.put_rule(Name=name, **more)["RuleArn"]
    described = [{"Arn": target} if isinstance(target, str) else target for target in targets]
    numbered = [{"Id": str(number), **target} for number, target in enumerate(described)]
    bus = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
    events.put_targets(Rule=name, Targets=numbered, **bus)
    return arn


def put(events: Any, detail: Any = None, **more: Any) -> dict[str, Any]:
    entry = {"Source": "shop", "DetailType": "Order Placed", "Detail": json.dumps(detail or {})}
    answer: dict[str, Any] = events.put_events(Entries=[{**entry, **more}])
    return answer


def payloads(invoker: FakeInvoker) -> list[Any]:
    return [json.loads(call.payload) for call in invoker.calls]


def make_queue(client: Client, name: str = "q", **attributes: str) -> None:
    client("sqs").create_queue(QueueName=name, Attributes=attributes)


def messages(client: Client, name: str = "q") -> list[dict[str, Any]]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
    ).get("Messages", [])
    return found
