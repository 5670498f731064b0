"""What a SAM template has its functions invoked by, in a few words each, for people."""

from collections.abc import Callable, Mapping
from typing import Any, Final


def events_of(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Events of each function, by its logical id."""
    return {
        name: [_summary(event) for event in _mapping(properties.get("Events")).values()]
        for name, resource in _mapping(document.get("Resources")).items()
        if (properties := _mapping(_mapping(resource).get("Properties")))
    }


def _summary(event: object) -> str:
    kind = str(_mapping(event).get("Type", "?"))
    properties = _mapping(_mapping(event).get("Properties"))
    say = _SUMMARIES.get(kind)
    return kind if say is None else say(properties)


def _route(properties: Mapping[str, Any]) -> str:
    method = str(properties.get("Method", "any")).upper()
    return f"{'ANY' if method == 'X-AMAZON-APIGATEWAY-ANY-METHOD' else method} " + _text(
        properties.get("Path", "$default")
    )


def _from(scheme: str, *names: str) -> Callable[[Mapping[str, Any]], str]:
    """`sqs://Jobs`: the first property of these that is there says what it comes from."""

    def summary(properties: Mapping[str, Any]) -> str:
        found = next((properties[name] for name in names if name in properties), "")
        return f"{scheme}://{_text(found)}"

    return summary


_SUMMARIES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "Api": _route,
    "CloudWatchEvent": _from("events", "EventBusName", "Pattern"),
    "CloudWatchLogs": _from("logs", "LogGroupName"),
    "DynamoDB": _from("dynamodb", "Stream"),
    "EventBridgeRule": _from("events", "EventBusName", "Pattern"),
    "HttpApi": _route,
    "Kinesis": _from("kinesis", "Stream"),
    "S3": _from("s3", "Bucket"),
    "SNS": _from("sns", "Topic"),
    "SQS": _from("sqs", "Queue"),
    "Schedule": _from("schedule", "Schedule"),
    "ScheduleV2": _from("schedule", "ScheduleExpression"),
}


def _text(value: object) -> str:
    """A text as it is, an ARN by its end, what refers to a resource by that one's logical id."""
    match value:
        case str():
            return value.rpartition(":")[2] if value.startswith("arn:") else value
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case _:
            return "…"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
