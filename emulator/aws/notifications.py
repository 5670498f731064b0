"""A bucket's notification configuration: what it says, and what S3 refuses to save."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal
from xml.etree import ElementTree

TargetKind = Literal["topic", "queue", "function"]

EVENTS: Final = frozenset(
    f"s3:{name}"
    for name in (
        "ReducedRedundancyLostObject",
        "ObjectCreated:*",
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:*",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRestore:*",
        "ObjectRestore:Post",
        "ObjectRestore:Completed",
        "ObjectRestore:Delete",
        "Replication:*",
        "Replication:OperationFailedReplication",
        "Replication:OperationNotTracked",
        "Replication:OperationMissedThreshold",
        "Replication:OperationReplicatedAfterThreshold",
        "LifecycleTransition",
        "IntelligentTiering",
        "ObjectAcl:Put",
        "LifecycleExpiration:*",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "ObjectTagging:*",
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
    )
)

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
# Element of a configuration, element of the ARN in it, service in the ARN.
_KINDS: Final[dict[TargetKind, tuple[str, str, str]]] = {
    "topic": ("TopicConfiguration", "Topic", "sns"),
    "queue": ("QueueConfiguration", "Queue", "sqs"),
    "function": ("CloudFunctionConfiguration", "CloudFunction", "lambda"),
}


class Refused(Exception):
    """S3 does not save the configuration; `details` are further elements of the error."""

    def __init__(self, code: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def invalid(message: str, name: str, value: str) -> Refused:
    """An InvalidArgument about one argument."""
    return Refused("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Which events of which keys go to one target."""

    id: str
    kind: TargetKind
    arn: str
    events: tuple[str, ...]  # with `s3:`, as configured
    prefix: str | None = None
    suffix: str | None = None

    def matches(self, event: str, key: str) -> bool:
        """True when `event` (without `s3:`) of `key` (decoded) goes to this target."""
        return (
            any(_covers(pattern, f"s3:{event}") for pattern in self.events)
            and key.startswith(self.prefix or "")
            and key.endswith(self.suffix or "")
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketNotifications:
    """All that one bucket tells to others."""

    rules: tuple[Rule, ...] = ()
    event_bridge: bool = False


def parse(document: bytes) -> BucketNotifications:
    """Read the body of PutBucketNotificationConfiguration. Raises Refused."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise _malformed() from error
    if _tag(root) != "NotificationConfiguration":
        raise _malformed()
    rules = tuple(
        _parse_rule(element, kind)
        for kind, (tag, _, _) in _KINDS.items()
        for element in _children(root, tag)
    )
    has_bridge = any(True for _ in _children(root, "EventBridgeConfiguration"))
    return BucketNotifications(rules=rules, event_bridge=has_bridge)


def render(notifications: BucketNotifications) -> str:
    """The answer of GetBucketNotificationConfiguration."""
    root = ElementTree.Element("NotificationConfiguration", xmlns=_NAMESPACE)
    for rule in notifications.rules:
        tag, arn_tag, _ = _KINDS[rule.kind]
        element = ElementTree.SubElement(root, tag)
        ElementTree.SubElement(element, "Id").text = rule.id
        ElementTree.SubElement(element, arn_tag).text = rule.arn
        for event in rule.events:
            ElementTree.SubElement(element, "Event").text = event
        _render_filter(element, rule)
    if notifications.event_bridge:
        ElementTree.SubElement(root, "EventBridgeConfiguration")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def check(notifications: BucketNotifications, region: str) -> None:
    """Raise Refused for what S3 refuses without asking the targets. region: the bucket's."""
    seen: set[str] = set()
    for rule in notifications.rules:
        _check_arn(rule, region)
        _check_events(rule)
        if rule.id in seen:
            message = "Same ID used for multiple configurations. IDs must be unique"
            raise invalid(message, "Id", rule.id)
        seen.add(rule.id)
    for one, other in combinations(notifications.rules, 2):
        _check_overlap(one, other)


def _parse_rule(element: ElementTree.Element, kind: TargetKind) -> Rule:
    arn_tag = _KINDS[kind][1]
    arn = _text(element, arn_tag)
    events = tuple(child.text or "" for child in _children(element, "Event"))
    if arn is None or not events:
        raise _malformed()
    prefix, suffix = _parse_filter(element)
    return Rule(
        id=_text(element, "Id") or str(uuid.uuid4()),
        kind=kind,
        arn=arn,
        events=events,
        prefix=prefix,
        suffix=suffix,
    )


def _parse_filter(element: ElementTree.Element) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for filter_element in _children(element, "Filter"):
        for key in _children(filter_element, "S3Key"):
            for rule in _children(key, "FilterRule"):
                given = _text(rule, "Name") or ""
                name = given.lower()
                if name not in ("prefix", "suffix"):
                    message = "filter rule name must be either prefix or suffix"
                    raise invalid(message, "FilterRule.Name", given)
                if name in found:
                    message = f"Cannot specify more than one {name} rule in a filter."
                    raise invalid(message, "FilterRule.Name", given)
                found[name] = _text(rule, "Value") or ""
    return found.get("prefix"), found.get("suffix")


def _render_filter(element: ElementTree.Element, rule: Rule) -> None:
    rules = [("Prefix", rule.prefix), ("Suffix", rule.suffix)]
    if all(value is None for _, value in rules):
        return
    parent = ElementTree.SubElement(ElementTree.SubElement(element, "Filter"), "S3Key")
    for name, value in rules:
        if value is not None:
            child = ElementTree.SubElement(parent, "FilterRule")
            ElementTree.SubElement(child, "Name").text = name
            ElementTree.SubElement(child, "Value").text = value


def _check_arn(rule: Rule, region: str) -> None:
    _, arn_tag, service = _KINDS[rule.kind]
    parts = rule.arn.split(":")
    least = 7 if rule.kind == "function" else 6
    is_arn = len(parts) >= least and parts[0] == "arn" and parts[2] == service and all(parts[3:6])
    if not is_arn:
        raise invalid("The ARN could not be parsed", arn_tag, rule.arn)
    if parts[3] != region:
        raise invalid(
            "The notification destination service region is not valid "
            "for the bucket location constraint",
            arn_tag,
            rule.arn,
        )


def _check_events(rule: Rule) -> None:
    for event in rule.events:
        if event not in EVENTS:
            raise invalid("The event is not supported for notifications", "Event", event)


def _check_overlap(one: Rule, other: Rule) -> None:
    shared = next(
        ((a, b) for a in one.events for b in other.events if _covers(a, b) or _covers(b, a)), None
    )
    if shared is None or not _is_key_shared(one, other):
        return
    if any((one.prefix, one.suffix, other.prefix, other.suffix)):
        message = (
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules "
            "if the prefixes are overlapping for the same event type."
        )
    else:
        message = (
            "Configurations overlap. Configurations on the same bucket cannot share "
            "a common event type."
        )
    raise invalid(message, "Event", ", ".join(shared))


def _is_key_shared(one: Rule, other: Rule) -> bool:
    prefixes = one.prefix or "", other.prefix or ""
    suffixes = one.suffix or "", other.suffix or ""
    return (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])) and (
        suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])
    )


def _covers(pattern: str, event: str) -> bool:
    """True for the same event, and for `s3:ObjectCreated:*` and what is under it."""
    return pattern == event or (pattern.endswith(":*") and event.startswith(pattern[:-1]))


def _malformed() -> Refused:
    return Refused(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _tag(child) == tag)


def _text(element: ElementTree.Element, tag: str) -> str | None:
    child = next(_children(element, tag), None)
    return None if child is None else child.text or ""
