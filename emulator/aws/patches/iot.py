"""IoT Core: SQL of topic rules is checked, and messages are told to the rules that want them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from emulator.aws.iot_facts import PublishFact, TopicRule
from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model.iot_sql import SqlError, check_template, matches, parse

_RULES: Final = "moto.iot.models:IoTBackend"
_BASIC_INGEST: Final = "$aws/rules/"  # a topic that names its rule


def rule_patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.iot."""
    return [
        Patch(f"{_RULES}.create_topic_rule", "self, rule_name, sql, kwargs", _checked),
        Patch(f"{_RULES}.replace_topic_rule", "self, rule_name, kwargs", _checked),
    ]


def publish_patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.iotdata."""
    backend = "moto.iotdata.models:IoTDataPlaneBackend"
    return [Patch(f"{backend}.publish", "self, topic, payload", _publish(context))]


def _checked(original: Any) -> Any:
    def save(self: Any, rule_name: str, sql: str, **more: Any) -> None:
        from moto.iot.exceptions import IoTClientError

        try:
            parse(sql)
            actions = [*(more.get("actions") or ()), more.get("error_action") or {}]
            for each in _texts(actions):
                check_template(each)
        except SqlError as error:
            raise IoTClientError("SqlParseException", f"The SQL of the rule: {error}") from None
        original(self, rule_name, sql=sql, **more)

    return save


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)


def _publish(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def publish(self: Any, topic: str, payload: bytes | str) -> None:
            original(self, topic, payload)
            content = payload.encode() if isinstance(payload, str) else bytes(payload or b"")
            rule_name, topic = _addressed(topic)
            rules = tuple(
                _rule(each)
                for each in self.iot_backend.rules.values()
                if not each.rule_disabled and _wants(each, rule_name, topic)
            )
            if not rules:
                return
            context.buffer.tell(
                PublishFact(
                    account=self.account_id,
                    region=self.region_name,
                    topic=topic,
                    payload=content,
                    at_s=context.clock.now(),
                    rules=rules,
                )
            )

        return publish

    return make


def _addressed(topic: str) -> tuple[str | None, str]:
    """The one rule that a message is for, if its topic says so, and the topic without that."""
    if not topic.startswith(_BASIC_INGEST):
        return None, topic
    rule_name, _, rest = topic.removeprefix(_BASIC_INGEST).partition("/")
    return rule_name, rest


def _wants(rule: Any, rule_name: str | None, topic: str) -> bool:
    if rule_name is not None:
        return bool(rule.rule_name == rule_name)
    topic_filter = parse(rule.sql).topic_filter
    return topic_filter is not None and matches(topic_filter, topic)


def _rule(rule: Any) -> TopicRule:
    # A copy: moto's own may change while actions run.
    actions, error_action = json.loads(json.dumps([rule.actions, rule.error_action]))
    return TopicRule(
        name=rule.rule_name,
        arn=rule.arn,
        sql=rule.sql,
        actions=tuple(actions),
        error_action=error_action or None,
    )
